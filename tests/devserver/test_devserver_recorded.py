"""The development server against what the real KFP 2.17.0 answered to the same requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from devserver_irs import Raw
from kfp_gitops.devserver import ManualClock
from recorded import Conversation, Exchange, exchanges

FILES = ["health", "pipelines", "versions", "lists", "experiments", "recurring", "runs"]
RECORDED_AT = datetime(2026, 11, 28, 22, tzinfo=UTC)
"""Filters of the recording are of the hour before and after it."""


def _post(path: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": f"/apis/v2beta1/{path}", "json": body, **more}


def _upload(name: str, **more: Any) -> dict[str, Any]:
    path = "/apis/v2beta1/pipelines/upload"
    return {"method": "POST", "path": path, "query": {"name": name}, "upload": {"ir": "hello"}, **more}


BEFORE = {
    "pipelines": [_post("pipelines", {"name": "Dx Bad Name!"})],
    "versions": [_upload("p.yaml")],
    "experiments": [
        _post("experiments", {"display_name": " "}),
        _upload("before", keep={"before": "pipeline_id"}),
        _post(
            "runs",
            {
                "display_name": "before",
                "pipeline_version_reference": {"pipeline_id": "<before>"},
                "runtime_config": {"parameters": {"n": 1}},
            },
        ),
    ],
    "lists": [
        _post("pipelines", {"name": f"dx-l{n:02}", "display_name": f"L {n % 3}", "description": "page me",
                            "tags": {"grp": f"{n % 2}"}})
        for n in range(7)
    ],
}  # fmt: skip
"""What the recording says was there already."""

_TIES = "the order among equals is that of random ids, on either server"
_WORKFLOW = "a Workflow of KFP v1 is kept as it was sent, without what Argo's own types add to it"
DIFFERS = {
    ("health", "healthz", "commit_sha"): "the commit of the real server's build",
    ("health", "healthz v1", "commit_sha"): "the commit of the real server's build",
    ("health", "root", ""): "the pages for people, which the real server has in another program",
    ("versions", "v1 workflow", "pipeline_spec"): _WORKFLOW,
    ("versions", "list", "pipeline_versions[12].pipeline_spec"): _WORKFLOW,
    ("lists", "default order", "pipelines"): _TIES,
    ("lists", "sort description", "pipelines"): _TIES,
    ("lists", "sort display", "pipelines"): _TIES,
    ("lists", "sort created", "pipelines"): _TIES,
    ("lists", "sort id", "pipelines"): _TIES,
    ("lists", "sort namespace", "pipelines"): _TIES,
}
"""Where it is another on purpose, and why: file, label, and the beginning of what differs."""


@pytest.mark.parametrize("file", FILES)
def test_as_the_real_server(make, file):
    """Beside DIFFERS: positions in JSON, addresses in memory and the inside of tokens are not compared."""
    conversation = Conversation(make(parallel=0, clock=ManualClock(RECORDED_AT)).url)
    for asked in BEFORE.get(file, ()):
        answer = conversation.ask(asked)
        conversation.keep(asked, answer)
        assert answer.status == 200
    found = []
    for exchange in exchanges(file):
        answer = conversation.ask(exchange.asked)
        if lines := _unexpected(exchange, conversation.differences(exchange, answer)):
            found += [f"{exchange}", *(f"    {line}" for line in lines[:9])]
        conversation.keep(exchange.asked, answer)
    assert not found, "\n" + "\n".join(found)


def _unexpected(exchange: Exchange, lines: list[str]) -> list[str]:
    known = [place for (file, label, place) in DIFFERS if (file, label) == (exchange.file, exchange.label)]
    return [line for line in lines if not line.startswith(tuple(known))]


def test_what_differs_on_purpose_is_asked():
    labels = {(file, exchange.label) for file in FILES for exchange in exchanges(file)}
    assert {(file, label) for file, label, _ in DIFFERS} <= labels
    assert sum(len(exchanges(file)) for file in FILES) == 506


def test_equals_are_in_the_order_of_their_random_ids(raw):
    """Which makes two of one second come in either order, and the latest version any of them."""
    for number in range(9):
        raw.send("POST", "api:/pipelines", {"name": f"p{number}"})
    for sort in ("", "created_at desc"):
        found = raw.send("GET", f"api:/pipelines?sort_by={sort.replace(' ', '%20')}")[1]["pipelines"]
        ids = [pipeline["pipeline_id"] for pipeline in found]
        assert ids == sorted(ids, reverse=bool(sort))


def test_the_latest_of_one_second_is_any_of_them(make_world):
    """GetLatestPipelineVersion sorts by whole seconds: the newest upload is not the one, if it comes too soon."""
    world = make_world(parallel=0)
    versions = [world.version, *(world.upload_version(f"v{n}").pipeline_version_id for n in range(7))]
    body = {"display_name": "r", "pipeline_version_reference": {"pipeline_id": world.pipeline}}
    _, run = Raw(world.server.url).send("POST", "api:/runs", body)
    assert run["pipeline_version_reference"]["pipeline_version_id"] == min(versions)
