"""The cache of tasks: the fingerprint is KFP's own, and what is answered from it, what is not, and how that is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, dsl
from kfp_gitops.devserver import DevServer, Rights, cli, fingerprint
from kfp_gitops.devserver.executor import LOCALRUN
from project import HERE
from servers.cached import SYMBOLIC, CachedRuns
from servers.prepared import Prepared

VECTORS: list[dict[str, Any]] = json.loads((HERE / "data/kfp-cache/vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["label"])
def test_the_fingerprint_is_that_of_kfp(vector):
    assert fingerprint.key(vector) == vector["cacheKey"]
    assert fingerprint.of(vector) == vector["fingerprint"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (1e-6, "0.000001"),
        (9.9e-7, "9.9e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (2**53 + 1, "9007199254740992"),
        (["\b\f\x01\x7f\u2029"], '["\\b\\f\\u0001\x7f\\u2029"]'),
    ],
)
def test_json_is_written_as_go_writes_it(value, written):
    assert fingerprint.go_json(value) == written


def test_claims_count_once_and_in_no_order():
    vector = next(one for one in VECTORS if one["label"] == "two pvcs")
    assert fingerprint.of(vector | {"pvcNames": ["b", "a", "b"]}) == vector["fingerprint"]


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def write(data: dsl.Output[dsl.Dataset], value: str = "content") -> str:
    import os
    from pathlib import Path

    Path(data.path).write_text(value)
    if value == "fail":
        raise ValueError
    return os.environ.get("LEVEL", "none")


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def read(data: dsl.Input[dsl.Dataset], level: str) -> str:
    from pathlib import Path

    return Path(data.path).read_text() + level


@dsl.pipeline
def two(value: str = "content"):
    written = write(value=value).set_env_variable("LEVEL", "low")
    read(data=written.outputs["data"], level=written.outputs["Output"])


Make = Callable[..., DevServer]


@pytest.fixture
def documents(tmp_path: Path) -> list[dict[str, Any]]:
    """`two` as IR."""
    target = tmp_path / "two.yaml"
    compiler.Compiler().compile(two, str(target))
    return list(yaml.safe_load_all(target.read_text()))


@pytest.fixture
def runs(make: Make, localrun: Prepared) -> CachedRuns:
    return CachedRuns(make(executor=localrun.python(*LOCALRUN[1:]), cache=True))


@pytest.fixture
def symbolic(localrun: Prepared) -> tuple[str, ...]:
    """The executor whose tasks compute nothing."""
    return localrun.python(SYMBOLIC)


@pytest.fixture
def quick(make: Make, symbolic: tuple[str, ...]) -> CachedRuns:
    return CachedRuns(make(executor=symbolic, cache=True))


def _container(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return documents[0]["deploymentSpec"]["executors"][f"exec-{name}"]["container"]


def _tasks(documents: list[dict[str, Any]]) -> dict[str, Any]:
    return documents[0]["root"]["dag"]["tasks"]


def test_the_same_again_runs_nothing(runs, documents):
    first, second = runs.run(documents), runs.run(documents)
    assert (first.executed, first.cached) == ({"write", "read"}, set())
    assert (second.executed, second.cached) == (set(), {"write", "read"})
    assert (first.state, second.state) == ("SUCCEEDED", "SUCCEEDED")


def test_it_is_told_as_kfp_tells_it(runs, documents):
    """As in the recorded run of tests/data/runs/quickstart-succeeded.json; notes are of tasks that were executed."""
    first, second = runs.run(documents), runs.run(documents)
    skipped = [one for one in second.details if one.get("state") == "SKIPPED"]
    assert [one["display_name"] for one in skipped] == ["executor", "executor"]
    assert [one["state_history"] for one in skipped] == [
        [{"state": "SKIPPED", "update_time": one["end_time"]}] for one in skipped
    ]
    assert not any(one.get("display_name") == "executor(0)" for one in second.details)
    assert [sum("display_name" not in one for one in ran.details) for ran in (first, second)] == [2, 0]


@pytest.mark.parametrize(
    ("change", "executed"),
    [
        (lambda d: _container(d, "write").update(image="python:3.12"), {"write", "read"}),
        (lambda d: _container(d, "read").update(image="python:3.12"), {"read"}),
        (lambda d: _container(d, "read")["args"].append("--more"), {"read"}),
        (lambda d: _tasks(d)["write"].update(cachingOptions={}), {"write", "read"}),
        (lambda d: _tasks(d)["read"].update(cachingOptions={"enableCache": False}), {"read"}),
        (lambda d: d[0]["pipelineInfo"].update(name="other"), {"write", "read"}),
        # What KFP 2.17.0 does not see.
        (lambda d: _container(d, "write").update(env=[{"name": "LEVEL", "value": "high"}]), set()),
        (lambda d: _container(d, "write").update(resources={"cpuLimit": 1}), set()),
        (lambda d: _tasks(d)["write"]["taskInfo"].update(name="renamed"), set()),
        (lambda d: _tasks(d)["write"]["cachingOptions"].update(cacheKey="k"), set()),
        (lambda d: d[0]["components"]["comp-write"]["inputDefinitions"]["parameters"]["value"].update(
            defaultValue="other"), set()),
    ],
    ids=["image", "image of the second", "arguments", "no cache", "cache off", "pipeline", "env", "resources", "name",
         "cache key", "default of the component"],
)  # fmt: skip
def test_what_a_change_runs_again(quick, documents, change, executed):
    quick.run(documents)
    change(documents)
    assert {at.split("/")[-1] for at in quick.run(documents).executed} == executed


def _constant(documents: list[dict[str, Any]], value: Any) -> None:
    _tasks(documents)["write"]["inputs"]["parameters"]["value"] = {"runtimeValue": {"constant": value}}


def _mount(documents: list[dict[str, Any]], source: dict[str, Any]) -> None:
    executors = {"exec-read": {"pvcMount": [{"mountPath": "/m", **source}]}}
    documents[1:] = [{"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}]


@pytest.mark.parametrize(
    ("value", "executed"),
    [
        ("{{$.pipeline_job_uuid}}", {"write", "read"}),
        ("{{$.pipeline_job_resource_name}}", {"write", "read"}),
        ("{{$.workspace_path}}/x", {"write", "read"}),
        ("{{$.pipeline_task_name}}", set()),
        # The driver replaces a fact of the run that is the whole text alone, so these have the key that they had.
        ("run-{{$.pipeline_job_uuid}}", set()),
        ("{{$.pipeline_root}}", set()),
    ],
)
def test_what_a_fact_of_the_run_is_in_the_key(quick, documents, value, executed):
    """resolve.go, `resolveInputParameter`."""
    _constant(documents, value)
    quick.run(documents)
    assert quick.run(documents).executed == executed


@pytest.mark.parametrize(
    "source",
    [
        {"constant": "data"},
        {"pvcNameParameter": {"runtimeValue": {"constant": "data"}}},
        {"pvcNameParameter": {"componentInputParameter": "value"}},
    ],
)
def test_the_name_of_a_claim_is_in_the_key(quick, documents, source):
    quick.run(documents, value="data")
    _mount(documents, source)
    assert quick.run(documents, value="data").executed == {"read"}
    _mount(documents, {"constant": "data", "subPath": "/else"})
    assert quick.run(documents, value="data").executed == set()


@pytest.mark.parametrize("again", [False, True])
def test_an_imported_artifact_is_found_again_unless_it_is_imported_anew(quick, documents, again):
    """importer_launcher.go, `findOrNewArtifactToImport`; an importer itself is never cached."""
    importer = {
        "artifactUri": {"constant": "s3://b/x"}, "reimport": again, "typeSchema": {"schemaTitle": "system.Dataset"},
    }  # fmt: skip
    documents[0]["deploymentSpec"]["executors"]["exec-write"] = {"importer": importer}
    documents[0]["components"]["comp-write"]["outputDefinitions"] = {
        "artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Dataset"}}}
    }
    given = _tasks(documents)["read"]["inputs"]
    given["artifacts"]["data"]["taskOutputArtifact"]["outputArtifactKey"] = "artifact"
    given["parameters"]["level"] = {"runtimeValue": {"constant": "x"}}
    assert quick.run(documents).executed == {"write", "read"}
    second = quick.run(documents)
    assert second.executed == ({"write", "read"} if again else {"write"})
    importer["metadata"] = {"k": 1}
    assert quick.run(documents).executed == {"write", "read"}


def test_a_cache_that_cannot_answer_costs_nothing_else(quick, documents, monkeypatch, capfd):
    quick.run(documents)
    monkeypatch.setattr(fingerprint, "of", lambda _asked: 1 / 0)
    ran = quick.run(documents)
    assert (ran.state, ran.executed) == ("SUCCEEDED", {"write", "read"})
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_parameter_counts_and_a_former_value_is_found_again(quick, documents):
    results = [quick.run(documents, value=value) for value in ("a", "b", "a", "b")]
    assert [len(ran.executed) for ran in results] == [2, 2, 0, 0]


def test_outputs_are_those_of_the_run_that_made_them(runs, documents):
    runs.run(documents)
    del _tasks(documents)["read"]["cachingOptions"]
    ran = runs.run(documents)
    assert (ran.cached, ran.executed) == ({"write"}, {"read"})
    events = (runs.server.data_dir / "runs" / runs.last / "events.jsonl").read_text().splitlines()
    given = [json.loads(line).get("outputs", {}).get("parameters") for line in events]
    assert {"Output": "contentlow"} in given


def test_what_failed_is_not_kept(runs, documents):
    first, second = (runs.run(documents, value="fail") for _ in range(2))
    assert (first.state, second.state, second.cached) == ("FAILED", "FAILED", set())
    assert second.views["write"].state == "FAILED"


def test_a_result_goes_with_the_files_of_its_run(quick, documents):
    quick.run(documents)
    quick.ask("DELETE", f"runs/{quick.last}")
    assert quick.run(documents).executed == {"write", "read"}


def test_the_cache_outlives_the_server(make, tmp_path, documents, symbolic):
    with_data = {"data": tmp_path / "kept", "executor": symbolic, "cache": True}
    server = make(**with_data)
    CachedRuns(server).run(documents)
    server.close()
    assert CachedRuns(make(**with_data)).run(documents).cached == {"write", "read"}


def test_nothing_is_cached_unless_asked_for(make, documents, symbolic):
    quick = CachedRuns(make(executor=symbolic))
    assert [len(quick.run(documents).executed) for _ in range(2)] == [2, 2]


def test_the_script_has_an_option_for_it():
    asked = cli._parser().parse_args(["--cache"])
    assert cli._server(asked, Rights())._cache
    assert not cli._server(cli._parser().parse_args([]), Rights())._cache
