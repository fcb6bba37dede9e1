"""What ML Metadata's own store answers, recorded: our requests are byte for byte those of its own library."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.metadata import Metadata, grpcweb
from metadata_kit import OK, Answering
from project import HERE

CALLS: list[dict[str, Any]] = json.loads((HERE / "data/ml-metadata/run.json").read_text())["calls"]


def _answer(method: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    sent, _ = grpcweb.unframed(body)
    (call,) = [one for one in CALLS if one["method"] == method and base64.b64decode(one["request"]) == sent]
    return 200, {}, grpcweb.framed(base64.b64decode(call["reply"])) + OK


def test_a_run_that_is_kept_as_kfp_keeps_it_is_read(server: Answering) -> None:
    server.answer = _answer
    found = Metadata(server.url, "team", Access()).results("run-1")
    assert server.asked == [one["method"] for one in CALLS[1:]]
    assert found.outputs == {
        ("Train it", "count"): 5,
        ("Train it", "rate"): 0.5,
        ("Train it", "ok"): True,
        ("Train it", "names"): ["a", None],
        ("Train it", "deep"): {"a": {"b": 1}},
        ("Train it", "text"): "ä",
        ("Train it", "metrics"): "s3://b/m",
        ("Train it", "judged"): "s3://b/c",
        ("again", "count"): 5,
        ("again", "metrics"): "s3://b/m",
        ("each", "size"): [0, 1, 2],
        ("each/one #0", "size"): 0,
        ("each/one #1", "size"): 1,
        ("each/one #2", "size"): 2,
        ("each/one #0", "metrics"): "s3://b/0",
        ("each/one #1", "metrics"): "s3://b/1",
        ("each/one #2", "metrics"): "s3://b/2",
        ("inner", "best"): "yes",
        ("inner", "model"): "s3://b/model",
        ("inner/pick", "o"): "yes",
        ("inner/pick", "model"): "s3://b/model",
    }
    assert found.metrics == {
        ("Train it", "metrics"): {"accuracy": 0.91, "ok": 1, "third": 0.333333},
        ("Train it", "judged"): {"accuracy": 0.95, "auc": 0.5},
        ("again", "metrics"): {"accuracy": 0.91, "ok": 1, "third": 0.333333},
        **{(f"each/one #{number}", "metrics"): {"loss": float(number)} for number in range(3)},
    }
    states = {task.label: task.state for task in found.tasks}
    assert (states["again"], states["inner/not run"]) == ("CACHED", "CANCELED")
    kinds = {one.kind for task in found.tasks for many in task.artifacts.values() for one in many}
    assert kinds == {"system.Metrics", "system.ClassificationMetrics", "system.Model"}
    assert found.of_ids["pick", "o"] == "yes"
    assert ("one", "size") not in found.of_ids


def test_a_run_that_it_does_not_have_is_told(server: Answering) -> None:
    server.answer = _answer
    with pytest.raises(NotFoundError, match="knows no run nobody"):
        Metadata(server.url, "", Access()).results("nobody")
