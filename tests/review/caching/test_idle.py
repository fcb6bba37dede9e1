"""Schedules of which every firing has the keys of the first: told by the diff and the week, refused by the policy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base.yamltext import parse
from kfp_gitops.review import policy
from kfp_gitops.review.caching import Side
from kfp_gitops.review.caching.idle import idle, idle_triggers, warnings
from kfp_gitops.review.diff.calendar import calendar, to_text
from kfp_gitops.review.policy.subjects import subjects
from kfp_gitops.sources import components, scaffold
from predict_kit import Edit, at, both, side
from project import PROJECT

DAILY = {"name": "daily", "cron": "0 0 5 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def _scheduled(*edits: Edit, **more: Any) -> Side:
    found = side(both(*edits))
    return Side({**found.manifest, "schedules": [{**DAILY, **more}]}, found.specs)


def test_constant_inputs_with_the_cache_on_run_once() -> None:
    assert idle(_scheduled()) == ["daily"]
    (text,) = warnings(_scheduled())
    assert text.startswith("schedule daily: from its second firing on, KFP's cache answers every task")


def test_one_that_is_off_is_not_warned_of() -> None:
    assert idle(_scheduled(enabled=False)) == ["daily"]
    assert warnings(_scheduled(enabled=False)) == []


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(at("load.cache", False), id="what it reads moves"),
        pytest.param(at("apart.arguments.text", {"run": "schedule-time"}), id="it is told when it runs"),
        pytest.param(
            both(
                at("load", {"importer": {"uri": "s3://a/b", "type": "Dataset", "reimport": True}}),
                at("train.arguments.data", {"task": "load", "output": "artifact"}),
            ),
            id="an artifact that is imported anew",
        ),
    ],
)
def test_one_that_runs_something_is_fine(edit: Edit) -> None:
    assert idle(_scheduled(edit)) == []


def test_an_importer_alone_finds_its_artifact_again() -> None:
    edit = at("load", {"importer": {"uri": "s3://a/b", "type": "Dataset"}})
    wired = at("train.arguments.data", {"task": "load", "output": "artifact"})
    assert idle(_scheduled(edit, wired)) == ["daily"]


def test_macros_of_a_schedule_are_plain_texts_to_kfp() -> None:
    assert idle(_scheduled(parameters={"source": "[[ScheduledTime]]"})) == ["daily"]


def test_the_week_names_it() -> None:
    manifest = _scheduled().manifest
    found = calendar("dev", "UTC", {"p": manifest}, NOW, {"p": ["daily"]})
    assert "  ! p-daily: from its second firing on, KFP's cache answers every task" in to_text(found)
    assert "KFP's cache" not in to_text(calendar("dev", "UTC", {"p": manifest}, NOW, {"p": []}))


AFTER = {"name": "after", "runOn": {"pipeline": "q"}}
ON_DATA = {"name": "data", "runOn": {"data": {"uri": "s3://lake/a", "changes": "etag"}}}


def _triggered(*triggers: dict[str, Any], edit: Edit | None = None) -> Side:
    found = side(both(*([edit] if edit else [])))
    return Side({**found.manifest, "triggers": [*triggers]}, found.specs)


def test_a_trigger_that_hands_nothing_over_runs_once() -> None:
    assert idle_triggers(_triggered(AFTER, ON_DATA)) == ["after", "data"]
    assert idle_triggers(_triggered({**AFTER, "parameters": {"source": {"constant": "x"}}})) == ["after"]
    (text,) = warnings(_triggered(AFTER, {**ON_DATA, "enabled": False}))
    assert text.startswith("trigger after: from its second run on, KFP's cache answers every task")
    assert idle_triggers(_triggered(AFTER, ON_DATA, edit=at("load.cache", False))) == []


@pytest.mark.parametrize(
    "trigger",
    [
        {"name": "change", "runOn": "change"},
        {**AFTER, "parameters": {"source": {"run": "id"}}},
        {**AFTER, "parameters": {"source": {"output": "train.model"}}},
        {**ON_DATA, "parameters": {"source": {"data": "etag"}}},
        {**AFTER, "parameters": {"source": "[[RunUUID]]"}},
        {"name": "nonsense", "runOn": {"pipeline": "q"}, "onlyWithin": {"from": 7}},
        {"name": "nothing"},
    ],
)
def test_a_trigger_with_what_moves_is_fine_and_nonsense_is_told_elsewhere(trigger: dict[str, Any]) -> None:
    assert idle_triggers(_triggered(trigger)) == []


@pytest.fixture
def refused(repository: Path, command: Callable[..., Any]) -> Callable[[], str]:
    """What the shipped check says of the small repository, once rendered."""

    def run() -> str:
        shutil.copy(PROJECT / "environments/policy.yaml", repository / "environments/policy.yaml")
        assert command("render", "--root", repository, "--all").code == 0
        shipped = policy.read(repository)
        found = policy.judge(shipped, subjects(repository, "dev"), NOW.date(), whole=False)
        return "\n".join(problem.what for problem in found if "schedule-moves" in problem.what)

    return run


def test_the_shipped_policy_refuses_it(repository: Path, refused: Callable[[], str]) -> None:
    assert "policy schedule-moves: dev/" in refused()
    for path in repository.glob("templates/pipelines/*/pipeline.yaml.j2"):
        text = path.read_text()
        path.write_text(text.replace("component: greet\n", "component: greet\n      cache: false\n", 1))
    assert refused() == ""


def test_what_ships_keeps_the_check() -> None:
    kinds = ("schedule", "trigger")
    found = [one for env in ("dev", "prod") for one in subjects(PROJECT, env) if one.kind in kinds]
    assert found
    assert not any(one.value["idle"] for one in found)


@pytest.mark.parametrize("used", [["load_usage", "summarize_usage"], ["summarize_usage"]])
def test_the_schedule_of_a_new_pipeline_runs(used: list[str]) -> None:
    specs = {name: (PROJECT / f"components/{name}/component.yaml").read_text() for name in used}
    known = [components.read(name, text, name) for name, text in specs.items()]
    made = scaffold.pipeline("new", "team", "dev", known, {})
    template = made.files["templates/pipelines/new/pipeline.yaml.j2"]
    for old, new in (
        ("{{ pipeline }}", "new"),
        ("{{ values.owner | tojson }}", "team"),
        ("{{ values.source | tojson }}", "x"),
    ):
        template = template.replace(old, new)
    manifest = {**parse(template, "m").value, "schedules": [DAILY]}
    found = Side(manifest, {name: parse(text, name).value for name, text in specs.items()})
    assert idle(found) == []
    on = {
        **manifest,
        "spec": parse(
            template.replace("cache: false", "cache: true").replace("reimport: true", "reimport: false"), "m"
        ).value["spec"],
    }
    assert idle(Side(on, found.specs)) == ["daily"]
