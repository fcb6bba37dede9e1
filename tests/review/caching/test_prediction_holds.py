"""What is predicted is what happens: pipelines with random changes, run against a cache that keeps KFP's fingerprints.

The cache and the runs are this file's own, made of concrete values; what is shared with the prediction is the reading
of manifests, which test_readers.py holds against compiled IR.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from kfp_gitops.compiling import cachekey
from kfp_gitops.review.caching import Fate, Side, predict, read
from kfp_gitops.review.caching.steps import Step
from kfp_gitops.review.caching.values import Derived, Known, Made, Moving, Value
from predict_kit import (
    OTHER,
    PVC,
    Edit,
    at,
    both,
    container_of,
    new_upstream,
    rename_component,
    rename_task,
    side,
)
from profiles import examples


class Kfp:
    """A server's cache, and runs one after the other."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.kept: dict[str, dict[str, str]] = {}

    def run(self, pipeline: Side) -> dict[str, bool]:
        """Task → whether the cache answered it."""
        outputs: dict[int, dict[str, str]] = {}
        imports: dict[str, str] = {}
        found: dict[str, bool] = {}
        for step in read.steps(pipeline, {}):
            key = None if step.always or not step.cache else self.key(step, outputs, imports)
            found[step.task] = key in self.kept
            made = self.kept[key] if key in self.kept else self.made(step)
            outputs[id(step)] = made
            if key is not None:
                self.kept[key] = made
        return found

    def made(self, step: Step) -> dict[str, str]:
        """Outputs: an artifact's number, and values that mostly come out the same."""
        value = str(len(step.container.line) % 2)
        return {"": str(next(self.numbers)), "value": value}

    def key(self, step: Step, outputs: Any, imports: Any) -> str:
        concrete = {name: self.concrete(value, outputs, imports) for name, value in step.given}
        inputs = {
            "parameterValues": {name: value for name, value in concrete.items() if name[0] == "p"},
            "artifacts": {
                name: {"artifacts": [{"name": value}]} for name, value in concrete.items() if name[0] == "a"
            },
        }
        declared = json.loads(step.container.outputs)
        claims = [str(value) for name, value in concrete.items() if name == "c"]
        return cachekey.fingerprint(
            cachekey.cache_key(
                inputs,
                declared["outputs"],
                declared["types"],
                step.container.line,
                step.container.image,
                claims,
            )
        )

    def concrete(self, value: Value, outputs: Any, imports: Any) -> Any:
        match value:
            case Known():
                return value.value
            case Moving():
                return f"moving {next(self.numbers)}"
            case Made():
                made = outputs[id(value.step)]
                return f"{made['']} {value.output}" if value.artifact else made["value"]
            case Derived(kind="import"):
                uri = self.concrete(value.parts[0], outputs, imports)
                return f"new {next(self.numbers)}" if value.always_new else f"import {uri}"
            case Derived():
                return [self.concrete(part, outputs, imports) for part in value.parts]


EDITS: list[Edit] = [
    container_of("train", lambda c: c.update(image=OTHER)),
    container_of("load", lambda c: c["args"].append("--more")),
    container_of("tell", lambda c: c.update(image=OTHER)),
    at("train.arguments.rate", 0.25),
    at("train.arguments.rate", {"run": "id"}),
    at("apart.arguments.text", {"task": "judge", "output": "text"}),
    at("apart.arguments.text", {"task": "train", "output": "score"}),
    at("apart.arguments.text", {"concat": ["a", {"param": "source"}, {"task": "load", "output": "data"}]}),
    at("apart.arguments.text", "1"),
    at("apart.arguments.text", {"param": "source"}),
    at("train.cache", False),
    at("load.cache", False),
    at("judge.cache", False),
    at("train.volumes", PVC),
    at("train.env", {"LEVEL": "2"}),
    at("load.arguments.source", "b"),
    at("train.retry", {"count": 2}),
    lambda spec, specs: specs["judge"].update(
        outputs=[*specs["judge"]["outputs"], {"name": "m", "type": "Model"}]
    ),
    at("more", {"component": "tell", "arguments": {"text": {"task": "judge", "output": "text"}}}),
    new_upstream,
    rename_component,
]
_edits = st.lists(st.sampled_from(range(len(EDITS))), max_size=3, unique=True)


def _side(chosen: list[int], *, renamed: bool) -> Side:
    return side(both(*(EDITS[index] for index in sorted(chosen)), *([rename_task] if renamed else [])))


@settings(max_examples=examples(300))
@given(_edits, _edits, st.booleans())
def test_what_is_predicted_is_what_happens(before: list[int], after: list[int], renamed: bool) -> None:
    old, new = _side(before, renamed=False), _side([*{*before, *after}], renamed=renamed)
    kfp = Kfp()
    kfp.run(old)
    cached = kfp.run(new)
    for outcome in predict(old, new).outcomes:
        event(outcome.fate)
        if outcome.fate is Fate.CACHED:
            assert cached[outcome.task], outcome
        elif outcome.fate is Fate.EACH_TIME or (outcome.fate is Fate.RUNS and not outcome.unless):
            assert not cached[outcome.task] or _twin(new, outcome.task), outcome


def _twin(pipeline: Side, task: str) -> bool:
    """Whether another task of the same run has its form, and so may have had its key a moment before."""
    steps = {step.task: step for step in read.steps(pipeline, {})}
    return any(other.form == steps[task].form for name, other in steps.items() if name != task)
