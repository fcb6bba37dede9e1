"""Which tasks run again: a table of changes, each with what KFP's key makes of it, for manifest and IR alike."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from kfp_gitops.base.yamltext import parse
from kfp_gitops.review.caching import KFP_2_17, KFP_2_18, KFP_NEXT, Fate, Prediction, Server, Side, predict
from predict_kit import (
    OTHER,
    PVC,
    SPECS,
    Edit,
    at,
    both,
    container_of,
    new_upstream,
    rename_component,
    rename_task,
    side,
)


def fates(before: Side, after: Side, server: Server = KFP_2_17) -> dict[str, str]:
    """Task → what becomes of it, by the first word or two."""
    return {outcome.task: outcome.fate.value for outcome in predict(before, after, server=server).outcomes}


def _of(prediction: Prediction, task: str) -> Any:
    return next(outcome for outcome in prediction.outcomes if outcome.task == task)


RUNS, CACHED, OPEN, EACH = (
    Fate.RUNS.value,
    Fate.CACHED.value,
    Fate.IF_DIFFERENT.value,
    Fate.EACH_TIME.value,
)


@pytest.mark.parametrize(
    ("edit", "expected", "because", "stale"),
    [
        pytest.param(lambda spec, specs: None, {}, (), {}, id="nothing"),
        pytest.param(
            container_of("train", lambda c: c.update(image=OTHER)),
            {"train": RUNS, "judge": RUNS, "tell": OPEN},
            ("train", ("image",)),
            {},
            id="image: an artifact of a task that runs is new, a value may come out the same",
        ),
        pytest.param(
            container_of("train", lambda c: c["args"].append("--fast")),
            {"train": RUNS, "judge": RUNS, "tell": OPEN},
            ("train", ("code or command",)),
            {},
            id="arguments of the container",
        ),
        pytest.param(
            container_of("train", lambda c: c.update(command=c["command"] + c["args"], args=[])),
            {},
            (),
            {},
            id="command and arguments regrouped: the key has one list",
        ),
        pytest.param(
            at("train.arguments.rate", 0.25),
            {"train": RUNS, "judge": RUNS, "tell": OPEN},
            ("train", ("input rate",)),
            {},
            id="a constant",
        ),
        pytest.param(
            at("apart.arguments.text", {"param": "source"}),
            {"apart": RUNS},
            ("apart", ("input text",)),
            {},
            id="a parameter of another value in place of a constant",
        ),
        pytest.param(
            both(at("apart.arguments.text", "a"), at("apart.displayName", "x")),
            {"apart": RUNS},
            ("apart", ("input text",)),
            {},
            id="another constant",
        ),
        pytest.param(
            at("apart.arguments.text", {"task": "train", "output": "score"}),
            {"apart": OPEN},
            ("apart", ("input text from train",)),
            {},
            id="an output in place of a constant",
        ),
        pytest.param(
            at("apart.arguments.text", {"task": "judge", "output": "text"}),
            {},
            (),
            {},
            id="the input of another task of the component: its result",
        ),
        pytest.param(at("train.env", {"LEVEL": "2"}), {}, (), {"train": ("env LEVEL",)}, id="env"),
        pytest.param(
            at("train.env", {"KEY": {"secret": "s", "key": "k"}}),
            {},
            (),
            {"train": ("secret of KEY",)},
            id="a secret",
        ),
        pytest.param(at("train.resources", {"cpu": {"limit": "2"}}), {}, (), {}, id="resources"),
        pytest.param(rename_task, {"fit": CACHED}, (), {}, id="rename of a task"),
        pytest.param(rename_component, {}, (), {}, id="rename of a component"),
        pytest.param(
            at("train.volumes", PVC),
            {"train": RUNS, "judge": RUNS, "tell": OPEN},
            ("train", ("volume claim is new",)),
            {},
            id="a claim",
        ),
        pytest.param(
            at("load.cache", False),
            {"load": EACH, "train": EACH, "judge": EACH, "tell": OPEN},
            ("load", ("its cache is off",)),
            {},
            id="cache off: what takes its artifact runs each time, too",
        ),
        pytest.param(
            at("train.arguments.rate", {"run": "schedule-time"}),
            {"train": EACH, "judge": EACH, "tell": OPEN},
            ("train", ("what it is given is new each time",)),
            {},
            id="a fact of the run",
        ),
        pytest.param(
            new_upstream,
            {"other": RUNS, "train": RUNS, "judge": RUNS, "tell": OPEN},
            ("train", ("artifact data from other",)),
            {},
            id="another upstream artifact",
        ),
        pytest.param(
            lambda spec, specs: specs["load"]["inputs"][1].update(default="7"),
            {},
            (),
            {"load": ("default of rows",)},
            id="a default that the launcher fills in",
        ),
        pytest.param(
            lambda spec, specs: specs["tell"].update(outputs=[{"name": "n", "type": "Integer"}]),
            {"tell": RUNS, "apart": RUNS},
            ("apart", ("outputs",)),
            {},
            id="an output more",
        ),
        pytest.param(
            at("apart.cache", {"key": "v1"}), {}, (), {}, id="a key of its own, which 2.17 does not read"
        ),
    ],
)
def test_what_a_change_runs_again(
    edit: Edit, expected: dict[str, str], because: Any, stale: dict[str, Any]
) -> None:
    before, after = side(), side(edit)
    found = predict(before, after)
    wanted = {outcome.task: CACHED for outcome in found.outcomes} | expected
    assert fates(before, after) == wanted
    if because:
        assert _of(found, because[0]).because == because[1]
    assert {outcome.task: outcome.stale for outcome in found.stale} == stale


def test_another_task_of_the_component_may_have_had_the_same_by_chance() -> None:
    found = _of(predict(side(), side(at("apart.arguments.text", "bye"))), "apart")
    assert (found.fate, found.unless) == (Fate.RUNS, ("tell",))


def test_turned_on_a_cache_has_no_result_yet() -> None:
    found = predict(side(at("load.cache", False)), side())
    assert {one.task: one.fate.value for one in found.outcomes} == {
        "load": RUNS,
        "train": RUNS,
        "judge": RUNS,
        "tell": OPEN,
        "apart": CACHED,
    }
    assert _of(found, "load").because == ("no result kept",)


def test_what_changes_nothing_leaves_open_what_was_open() -> None:
    found = predict(side(at("load.cache", False)), side(at("load.cache", False)))
    assert _of(found, "tell").fate is Fate.AS_BEFORE


def test_a_new_pipeline_runs_everything() -> None:
    assert set(fates(Side({}), side()).values()) == {RUNS}


def test_parameters_of_a_run_count_and_not_the_defaults_that_it_does_not_take() -> None:
    other = side(lambda spec, specs: spec["parameters"]["source"].update(default="b"))
    assert fates(side(), other)["load"] == RUNS
    assert predict(side(), other, {"source": "x"}).of(Fate.RUNS) == []


@pytest.mark.parametrize(
    ("before", "after", "fate", "stale"),
    [
        (at("apart.cache", {"key": "v1"}), at("apart.cache", {"key": "v2"}), RUNS, ()),
        (
            at("apart.cache", {"key": "v1"}),
            both(at("apart.cache", {"key": "v1"}), at("apart.arguments.text", "bye")),
            CACHED,
            ("input text",),
        ),
        (
            at("apart.cache", {"key": "v1"}),
            both(at("apart.cache", {"key": "v1"}), container_of("tell", lambda c: c.update(image=OTHER))),
            CACHED,
            ("image",),
        ),
    ],
)
def test_from_2_18_on_a_key_stands_for_everything_else(
    before: Edit, after: Edit, fate: str, stale: Any
) -> None:
    found = _of(predict(side(before), side(after), server=KFP_2_18), "apart")
    assert (found.fate.value, found.stale) == (fate, stale)


@pytest.mark.parametrize(("server", "fate"), [(KFP_2_18, CACHED), (KFP_NEXT, RUNS)])
def test_one_day_variables_count(server: Server, fate: str) -> None:
    changed = side(at("apart.env", {"A": "1"})), side(at("apart.env", {"A": "2"}))
    assert fates(*changed, server)["apart"] == fate


def test_a_parameter_that_every_run_must_give_is_taken_for_the_same() -> None:
    edit: Edit = lambda spec, specs: spec["parameters"]["source"].pop("default")  # noqa: E731
    assert set(fates(side(edit), side(edit)).values()) == {CACHED}
    assert fates(side(), side(edit))["load"] == OPEN


LOOP = """
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  tasks:
    each: {loop: {items: [a, b, c]}, tasks: {say: {component: tell, arguments: {text: {item: each}}}}}
"""


def test_of_a_loop_the_new_items_run() -> None:
    manifest = parse(LOOP, "m").value
    after = copy.deepcopy(manifest)
    after["spec"]["tasks"]["each"]["loop"]["items"] = ["c", "a", "d"]
    specs = parse(SPECS, "s").value
    found = predict(Side(manifest, specs), Side(after, specs)).outcomes
    assert [(one.fate.value, one.count, one.total) for one in found] == [(CACHED, 2, 3), (RUNS, 1, 3)]
