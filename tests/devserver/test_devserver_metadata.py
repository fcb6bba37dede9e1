"""ML Metadata as the development server serves it, read by the product's own client over HTTP."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import metadata_pipeline
import pytest
import yaml
from kfp import compiler
from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.devserver.executor import LOCALRUN
from kfp_gitops.kfpserver.metadata import Metadata
from servers.cached import CachedRuns, Ran


@pytest.fixture
def documents(tmp_path: Path) -> list[dict[str, Any]]:
    target = tmp_path / "gives.yaml"
    compiler.Compiler().compile(metadata_pipeline.gives, str(target))
    return list(yaml.safe_load_all(target.read_text()))


@pytest.fixture
def runs(make, localrun) -> CachedRuns:
    return CachedRuns(make(executor=localrun.python(*LOCALRUN[1:]), cache=True))


def _run(runs: CachedRuns, documents: list[dict[str, Any]], **parameters: Any) -> Ran:
    imported = runs.server.data_dir / "imported.txt"
    imported.write_text("imported")
    return runs.run(documents, uri=str(imported), **parameters)


def test_what_tasks_gave_is_read_from_the_server(runs, documents):
    ran = _run(runs, documents)
    found = Metadata(runs.server.url).results(runs.last)
    assert ran.state == "SUCCEEDED"
    outputs = {key: value for key, value in found.outputs.items() if not str(value).startswith("/")}
    assert outputs == {
        ("The measure", "Output"): 7,
        ("give", "Output"): [7, {"deep": [None, True, 1.5, "ä"]}],
        ("give", "many"): "7",
        ("each/scored #0", "Output"): 10,
        ("each/scored #1", "Output"): 20,
        ("each/scored #2", "Output"): 30,
        ("inner", "Output"): 7,
        ("inner/measure", "Output"): 7,
    }
    assert found.metrics == {
        # A bool is kept as 0 or 1, a number with six decimals.
        ("The measure", "metrics"): {"share": 0.25, "third": 0.083333, "whole": 1},
        ("The measure", "judged"): {"accuracy": 0.95, "auc": 0.75},
        ("inner/measure", "metrics"): {"share": 0.5, "third": 0.166667, "whole": 1},
        ("inner/measure", "judged"): {"accuracy": 0.95, "auc": 0.75},
        ("each/scored #0", "metrics"): {"score": 1.5},
        ("each/scored #1", "metrics"): {"score": 3.0},
        ("each/scored #2", "metrics"): {"score": 4.5},
    }
    assert found.of_pipeline(documents[0]).pipeline == {"Output": 7}
    data = found.outputs["The measure", "data"]
    assert Path(data).read_text() == "content"
    assert found.outputs["importer", "artifact"] == str(runs.server.data_dir / "imported.txt")
    assert not any(name == "executor-logs" for _, name in found.outputs)


def test_what_the_cache_answered_has_the_same(runs, documents):
    _run(runs, documents)
    first = Metadata(runs.server.url).results(runs.last)
    ran = _run(runs, documents)
    second = Metadata(runs.server.url).results(runs.last)
    assert "measure" in ran.cached or "The measure" in ran.cached
    assert second.outputs == first.outputs and second.metrics == first.metrics
    assert {task.state for task in second.tasks if task.label == "give"} == {"CACHED"}


def test_of_what_failed_there_is_what_came_before(runs, documents):
    ran = _run(runs, documents, fail=True)
    found = Metadata(runs.server.url).results(runs.last)
    assert ran.state == "FAILED"
    assert found.outputs["The measure", "Output"] == 7
    (broken,) = [task for task in found.tasks if task.path[-1] == "broken"]
    assert (broken.state, broken.parameters) == ("FAILED", {})


def test_a_run_that_is_not_there_is_told(runs, documents):
    metadata = Metadata(runs.server.url)
    with pytest.raises(NotFoundError, match="knows no run nobody"):
        metadata.results("nobody")  # no run at all was made: the type is not there
    _run(runs, documents)
    with pytest.raises(NotFoundError, match="knows no run nobody"):
        metadata.results("nobody")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 3), (b"\0\0\0\0\x09x", 3), (b"\0\0\0\0\x02\x0a\x7f", 3), (b"\0\0\0\0\0", 5)],
    ids=["empty", "cut off", "no message", "no type"],
)
def test_what_is_no_request_is_refused_in_the_trailers(raw, body, status):
    code, headers, reply = raw.full(
        "POST", "/ml_metadata.MetadataStoreService/GetContextByTypeAndName", body,
        Content_Type="application/grpc-web+proto",
    )  # fmt: skip
    flag, size = struct.unpack(">BI", reply[:5])
    assert (code, headers["content-type"], flag, size) == (
        200, "application/grpc-web+proto", 0x80, len(reply) - 5,
    )  # fmt: skip
    assert reply[5:].startswith(f"grpc-status:{status}\r\n".encode())


def test_another_method_is_not_served(raw):
    _, _, reply = raw.full("POST", "/ml_metadata.MetadataStoreService/PutArtifacts", b"\0\0\0\0\0")
    assert b"grpc-status:12" in reply
