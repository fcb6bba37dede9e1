"""What the database under KFP makes of texts, seen on KFP 2.17.0: three bytes a character, VARCHAR(255), collation."""

from __future__ import annotations

import json

import pytest
from devserver_irs import Raw, ir
from kfp_gitops.devserver import mysql

FACE = "a \U0001f600 b"
LONG = "x" * 256


@pytest.fixture
def world(make_world):
    """Nothing executes."""
    return make_world(parallel=0)


def send(world, path, **body):
    return Raw(world.server.url).send("POST", f"api:/{path}", body)


def started(world, path, version=None, **more):
    reference = {"pipeline_id": world.pipeline, "pipeline_version_id": version or world.version}
    schedule = {"max_concurrency": 1} if path == "recurringruns" else {}
    body = {"display_name": "r", "pipeline_version_reference": reference, **schedule, **more}
    return send(world, path, **body)


@pytest.mark.parametrize("text", [FACE, LONG])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("pipelines", "display_name"),
        ("experiments", "description"),
        ("runs", "display_name"),
        ("runs", "description"),
        ("runs", "service_account"),
        ("recurringruns", "display_name"),
        ("recurringruns", "description"),
    ],
)
def test_what_a_column_cannot_hold_is_500_and_nothing_is_kept(world, path, field, text):
    before = Raw(world.server.url).send("GET", f"api:/{path}")[1].get("total_size", 0)
    names = {"pipelines": {"name": "p"}, "experiments": {"display_name": "e"}}
    make = send if path in names else started
    status, reply = make(world, path, **names.get(path, {}) | {field: text})
    assert (status, reply["details"][0]["message"]) == (500, "Internal Server Error")
    assert ("Incorrect string value" if text is FACE else "Data too long") in reply["message"]
    assert Raw(world.server.url).send("GET", f"api:/{path}")[1].get("total_size", 0) == before


def test_descriptions_of_pipelines_may_be_long_but_not_wide(world):
    assert send(world, "pipelines", name="p", description="x" * 70_000)[0] == 200
    assert send(world, "pipelines", name="q", description=FACE)[0] == 500
    assert send(world, "pipelines", name="r", tags={"a": FACE})[0] == 500


@pytest.mark.parametrize(
    "query", [f"name=v&display_name={LONG}", "name=v&description=%F0%9F%98%80", "name=%F0%9F%98%80"]
)
def test_an_upload_says_only_that_it_failed(world, query):
    path = f"api:/pipelines/upload_version?pipelineid={world.pipeline}&{query}"
    status, reply = Raw(world.server.url).upload(path, json.dumps(ir()).encode())
    assert (status, reply["error_message"]) == (500, "Failed to create a pipeline version")


@pytest.mark.parametrize("path", ["runs", "recurringruns"])
def test_an_ir_with_such_a_character_is_registered_and_never_runs(world, path):
    wide = ir()
    wide["deploymentSpec"] = {"executors": {"exec": {"container": {"image": "i", "args": [FACE]}}}}
    world.package.write_text(json.dumps(wide, ensure_ascii=False), "utf-8")
    version = world.upload_version("wide").pipeline_version_id
    assert started(world, path, version)[0] == 500
    assert started(world, path, runtime_config={"parameters": {"behave": FACE}})[0] == 500
    assert started(world, path)[0] == 200


@pytest.mark.parametrize("other", ["CHURN", "churn ", "Chürn"])
def test_names_that_differ_in_case_accents_or_trailing_blanks_are_one(world, other):
    assert send(world, "pipelines", name=other)[0] == 409
    query = {"name": other, "pipelineid": world.pipeline}
    with pytest.raises(Exception, match="409"):
        world.client.pipeline_uploads.upload_pipeline_version(str(world.package), **query)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\U0001f600", r"\xF0\x9F\x98\x80"), ("\U0001f600 bc", r"\xF0\x9F\x98\x80 b..."), ("\uffff", None)],
)
def test_the_error_shows_six_bytes(text, shown):
    if shown is None:
        mysql.check("pipelines", "description", text)
        return
    with pytest.raises(mysql.DataError) as caught:
        mysql.check("pipelines", "description", text)
    assert f"'{shown}' for column `mlpipeline`.`pipelines`.`Description`" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "is_number"), [("2026-11-28T23:00:00Z", 2026.0), ("-3.5x", -3.5), ("x", 0.0)]
)
def test_a_text_beside_a_number_is_its_beginning(text, is_number):
    assert mysql.number(text) == is_number


def test_what_the_server_did_not_foresee_brings_its_stack_along(world):
    empty = ir(root={"dag": {}})
    world.package.write_text(json.dumps(empty))
    version = world.upload_version("empty").pipeline_version_id
    for path in ("runs", "recurringruns"):
        status, reply = started(world, path, version)
        assert (status, reply["code"], reply["details"][0]["code"]) == (500, 13, 2)
        assert reply["message"].startswith('Internal error: compiling DAG "root": DAG root must contain')
        assert 2500 < len(reply["message"]) < 4500


@pytest.mark.parametrize("path", ["runs", "recurringruns"])
def test_what_cannot_be_stored_was_started_before_and_goes_on_unseen(make_world, path):
    """Which is why a 500 is no reason to send it again: each try starts another (seen on KFP 2.17.0)."""
    world = make_world()
    for _ in range(2):
        schedule = {"trigger": {"cron_schedule": {"cron": "0 * * * * *"}}, "mode": "ENABLE"}
        more = schedule if path == "recurringruns" else {}
        assert started(world, path, description=LONG, **more)[0] == 500
    world.server.clock.advance(minutes=1)
    world.server.tick()
    world.server.wait_idle()
    assert world.client.list_recurring_runs().recurring_runs is None
    assert world.client.list_runs().runs is None
    assert len(list((world.server.data_dir / "runs").iterdir())) == 2
