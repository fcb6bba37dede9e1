"""Pipelines and versions through the official client; each row of the server's validation rules."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from devserver_irs import PLATFORM, Raw, ir, text
from kfp_gitops.devserver import Features
from kfp_server_api import ApiException


def predicates(*found: dict) -> str:
    return json.dumps({"predicates": list(found)})


def test_upload_makes_a_pipeline_and_a_first_version_of_its_name(client, package):
    pipeline = client.pipeline_uploads.upload_pipeline(
        str(package), name="churn", display_name="Churn", description="d", tags='{"team":"ml"}'
    )
    assert (pipeline.name, pipeline.display_name, pipeline.description) == ("churn", "Churn", "d")
    assert pipeline.tags == {"team": "ml"}
    [version] = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    assert (version.name, version.display_name, version.tags) == ("churn", "Churn", None)
    assert set(version.pipeline_spec) == {"pipeline_spec", "platform_spec"}


def test_the_stored_spec_loses_comments_and_foreign_platforms(client, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes(b"# PIPELINE DEFINITION\n" + text(ir(), {"platforms": {"other": {}}}))
    pipeline = client.upload_pipeline(str(path), "churn")
    [version] = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    assert version.pipeline_spec == ir()


def test_a_pipeline_is_found_by_name_and_by_the_sdk(world):
    service = world.client.pipelines
    assert (
        service.pipeline_service_get_pipeline_by_name("churn", namespace="team").pipeline_id == world.pipeline
    )
    assert world.client.get_pipeline_id("churn") == world.pipeline
    with pytest.raises(ApiException) as error:
        service.pipeline_service_get_pipeline_by_name("other")
    assert error.value.status == 404


def test_create_pipeline_without_a_version(raw):
    status, made = raw.send("POST", "api:/pipelines", {"name": "a", "display_name": "A", "tags": {"k": "v"}})
    assert (status, made["display_name"], made["tags"]) == (200, "A", {"k": "v"})
    assert raw.send("GET", f"api:/pipelines/{made['pipeline_id']}") == (200, made)
    assert raw.send("POST", "api:/pipelines", {"name": "a"})[0] == 409


def test_empty_lists_are_none(client):
    assert client.list_pipelines().pipelines is None


def test_one_of_eight_racing_uploads_wins(world):
    def attempt(_: int) -> int:
        try:
            world.upload_version("sha-1")
        except ApiException as error:
            return int(error.status)
        return 200

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [200] + [409] * 7
    assert world.client.list_pipeline_versions(world.pipeline).total_size == 2


def test_duplicate_upload_says_only_that_it_failed(world, raw):
    status, body = raw.upload(f"api:/pipelines/upload_version?name=churn&pipelineid={world.pipeline}", text())
    assert (status, body["error_message"]) == (409, "Failed to create a pipeline version")
    assert raw.upload("api:/pipelines/upload?name=churn", text())[0] == 409


def test_update_changes_display_name_and_tags_alone(world):
    service = world.client.pipelines
    made = world.upload_version("v2", tags='{"a":"1"}', description="text")
    changed = service.pipeline_service_update_pipeline_version(
        world.pipeline, made.pipeline_version_id, {"display_name": "Two"}
    )
    assert (changed.display_name, changed.tags, changed.name, changed.description) == (
        "Two",
        {"a": "1"},
        "v2",
        "text",
    )
    cleared = service.pipeline_service_update_pipeline_version(
        world.pipeline, made.pipeline_version_id, {"tags": {}}
    )
    assert (cleared.display_name, cleared.tags) == ("Two", None)
    assert service.pipeline_service_update_pipeline(world.pipeline, {"tags": {"x": "y"}}).tags == {"x": "y"}


def test_delete_with_versions_needs_cascade(world):
    with pytest.raises(ApiException) as error:
        world.client.delete_pipeline(world.pipeline)
    assert error.value.status == 400
    world.client.pipelines.pipeline_service_delete_pipeline(world.pipeline, cascade=True)
    assert world.client.list_pipelines().pipelines is None


def test_delete_after_its_versions_needs_none(world):
    world.client.delete_pipeline_version(world.pipeline, world.version)
    world.client.delete_pipeline(world.pipeline)


def test_versions_are_found_by_tag_and_only_by_equals(world):
    world.upload_version("v2", tags='{"git_sha":"abc"}')
    by_tag = {"key": "tags.git_sha", "operation": "EQUALS", "stringValue": "abc"}
    [found] = world.client.list_pipeline_versions(world.pipeline, filter=predicates(by_tag)).pipeline_versions
    assert found.name == "v2"
    with pytest.raises(ApiException) as error:
        world.client.list_pipeline_versions(
            world.pipeline, filter=predicates({**by_tag, "operation": "IS_SUBSTRING"})
        )
    assert error.value.status == 400


def test_an_older_server_ignores_tags(make_world):
    world = make_world(features=Features(tags=False))
    assert world.upload_version("v2", tags='{"a":"' + "b" * 99 + '"}').tags is None
    assert (
        world.client.pipelines.pipeline_service_update_pipeline(world.pipeline, {"tags": {"x": "y"}}).tags
        is None
    )


def test_single_user_mode_blanks_namespaces(client, package):
    assert client.upload_pipeline(str(package), "churn", namespace="team").namespace is None
    assert client.create_experiment("e", namespace="team").namespace is None


def test_multi_user_mode_keeps_them_apart(make_world):
    world = make_world(features=Features(multi_user=True))
    client, path = world.client, str(world.package)
    assert client.get_kfp_healthz().multi_user is True
    assert client.upload_pipeline(path, "churn", namespace="team").namespace == "team"
    assert client.list_pipelines(namespace="other").pipelines is None
    assert (
        client.pipelines.pipeline_service_get_pipeline_by_name("churn", namespace="team").namespace == "team"
    )


BAD_IRS = {
    "no name": (text(ir(pipelineInfo={})), "unknown template format"),
    "no root": (text({k: v for k, v in ir().items() if k != "root"}), "unknown template format"),
    "unknown field": (text(ir(colour="red")), "unknown template format"),
    "wrong type": (text(ir(root=3)), "unknown template format"),
    "a list": (b"- 1\n", "unknown template format"),
    "a scalar": (b"hello", "unknown template format"),
    "argo": (b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n", "unknown template format"),
    "schema version": (text(ir(schemaVersion="2.0.0")), "schema version 2.1.0"),
    "name pattern": (text(ir("Churn_Train")), "name must contain"),
    "name length": (text(ir("a" * 129)), "no more than 128 characters"),
    "two pipelines": (text(ir(), ir("other")), "multiple pipeline specs"),
    "two platforms": (text(ir(), PLATFORM, PLATFORM), "multiple platform specs"),
    "malformed": (b"a: [1, 2\nb: {", "not valid YAML"),
    "not utf-8": (b"\xff\xfe\x00", "not valid YAML"),
    "python object": (b"!!python/object/apply:os.system ['true']", "not valid YAML"),
    "too deep": (b"[" * 100_000, "nested too deeply"),
    "too deep mappings": (b"".join(b" " * i + b"a:\n" for i in range(300)), "nested too deeply"),
    "contains itself": (b"&a [*a]", "contains itself"),
    "aliases": (
        b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 10)) for i in range(1, 9)),
        "aliases",
    ),
}


@pytest.mark.parametrize("case", BAD_IRS)
def test_what_is_no_ir_is_refused(world, raw, case):
    data, wanted = BAD_IRS[case]
    status, body = raw.upload(f"api:/pipelines/upload_version?name=v&pipelineid={world.pipeline}", data)
    assert status == 400
    assert wanted in body["error_message"]
    assert raw.upload("api:/pipelines/upload?name=other", data)[0] == 400
    assert world.client.list_pipelines().total_size == 1


def test_the_graph_is_not_looked_at(client, tmp_path):
    path = tmp_path / "p.yaml"
    broken = ir(root={"dag": {"tasks": {"a": {"componentRef": {"name": "comp-missing"}}}}})
    path.write_text(yaml.safe_dump(broken))
    assert client.upload_pipeline(str(path), "churn").name == "churn"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("pipelineid=unknown&name=v", 400),
        ("name=v", 400),
        ("pipelineid={id}&name=" + "v" * 127, 200),
        ("pipelineid={id}&name=" + "v" * 128, 400),
        ("pipelineid={id}&name=v&tags=nonsense", 400),
        ("pipelineid={id}&name=v&tags=[]", 400),
        ('pipelineid={id}&name=v&tags={"a":1}', 400),
        ('pipelineid={id}&name=v&tags={"a.b":"1"}', 400),
        ('pipelineid={id}&name=v&tags={"":"1"}', 400),
        ('pipelineid={id}&name=v&tags={"' + "k" * 64 + '":"1"}', 400),
        ('pipelineid={id}&name=v&tags={"' + "k" * 63 + '":"' + "v" * 63 + '"}', 200),
        ('pipelineid={id}&name=v&tags={"sha256":"' + "f" * 64 + '"}', 400),
        ("pipelineid={id}&name=v&tags=" + json.dumps({str(i): "" for i in range(21)}).replace(" ", ""), 400),
        ("pipelineid={id}&name=v&description=" + "d" * 5000, 200),
    ],
)
def test_rules_of_version_uploads(world, raw, query, status):
    path = "api:/pipelines/upload_version?" + query.replace("{id}", world.pipeline).replace('"', "%22")
    assert raw.upload(path, text())[0] == status


@pytest.mark.parametrize(
    ("query", "status", "plain"),
    [
        ("name=" + "p" * 128, 200, False),
        ("name=" + "p" * 129, 400, True),
        ("name=p&namespace=" + "n" * 64, 400, True),
        ("name=p&tags=3", 400, False),
        ("display_name=only", 200, False),
        ("", 200, False),
    ],
)
def test_rules_of_pipeline_uploads(raw, query, status, plain):
    got, body = raw.upload(f"api:/pipelines/upload?{query}", text())
    assert got == status
    assert isinstance(body, bytes) == plain


def test_a_file_has_at_most_32_megabytes(raw):
    status, body = raw.upload("api:/pipelines/upload?name=p", b"#" * ((32 << 20) + 1))
    assert (status, body["error_message"]) == (400, "Failed to read pipeline from file")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "p" * 129}, 500),
        ({"name": "p", "namespace": "n" * 64}, 500),
        ({"name": "p", "tags": {"a.b": "1"}}, 400),
        ({"name": "p", "tags": {"a": 1}}, 400),
        ({}, 400),
    ],
)
def test_rules_of_rest_create(raw, body, status):
    assert raw.send("POST", "api:/pipelines", body)[0] == status


def test_packages_by_url_are_not_fetched(world, raw):
    url = {"name": "v", "package_url": {"pipeline_url": "http://127.0.0.1:1/x.yaml"}}
    assert raw.send("POST", f"api:/pipelines/{world.pipeline}/versions", url)[0] == 400
    told = url | {"pipeline_id": world.pipeline}
    assert raw.send("POST", f"api:/pipelines/{world.pipeline}/versions", told)[0] == 501
    assert raw.send("POST", f"api:/pipelines/{world.pipeline}/versions", {"name": "v"})[0] == 400
    both = {"pipeline": {"name": "p"}, "pipeline_version": url}
    assert raw.send("POST", "api:/pipelines/create", both)[0] == 400


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_version_is_found_below_whatever_pipeline(world, raw, method):
    path = f"api:/pipelines/unknown/versions/{world.version}"
    assert raw.send(method, path, {"display_name": "x"} if method == "PATCH" else None)[0] == 200


def test_a_run_names_a_version_of_its_own_pipeline(world, raw):
    _, other = raw.send("POST", "api:/pipelines", {"name": "other"})
    reference = {"pipeline_id": other["pipeline_id"], "pipeline_version_id": world.version}
    status, reply = raw.send(
        "POST", "api:/runs", {"display_name": "r", "pipeline_version_reference": reference}
    )
    assert status == 500
    assert f"belongs to pipeline {world.pipeline}" in reply["message"]


def test_a_pipeline_name_may_need_quoting_but_with_a_slash_it_is_another_path(raw):
    _, made = raw.send("POST", "api:/pipelines", {"name": "b c"})
    raw.send("POST", "api:/pipelines", {"name": "a/b"})
    assert raw.send("GET", "api:/pipelines/names/b%20c") == (200, made)
    assert raw.send("GET", "api:/pipelines/names/a%2Fb")[0] == 404


@pytest.mark.parametrize("data", [b"", b"--XX\r\n\r\n", b"nothing", b"--XX--"])
def test_a_body_without_the_file_is_refused(server, data):
    header = {"Content_Type": "multipart/form-data; boundary=XX"}
    assert Raw(server.url).send("POST", "api:/pipelines/upload?name=p", data, **header)[0] == 400


def test_the_file_goes_by_its_field(raw):
    assert raw.upload("api:/pipelines/upload?name=p", text(), field="other")[0] == 400
