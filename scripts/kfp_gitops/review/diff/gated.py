"""What releases that come must have measured, and whether release.yaml says that they did. Pure.

Manifests know nothing of it: nobody in the cluster asks for it. So it is put beside what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kfp_gitops.base import columns
from kfp_gitops.language import gates
from kfp_gitops.language.gates import Gate, Verdict
from kfp_gitops.review.diff.model import EnvironmentDiff, PipelineDiff
from kfp_gitops.sources.environment import Environment, values_path


def with_gates(found: EnvironmentDiff, env: Environment, was: Environment | None = None) -> EnvironmentDiff:
    """The same, with what the environment's gates say by now of each release that comes; `env` are its inputs.

    The recorded figures are judged once more: bounds may have changed with the release. That they let more through than
    those of `was`, the inputs before, is a warning, whether a release comes or not.
    """
    if env.follows_sources:
        return found
    looser = [] if was is None or was is env or was.follows_sources else _loosened(was, env)
    pipelines = [_judged(one, env) for one in found.pipelines]
    return replace(found, pipelines=pipelines, warnings=[*found.warnings, *looser])


def _loosened(was: Environment, env: Environment) -> Iterator[str]:
    names: dict[tuple[Gate, str], list[str]] = {}
    for name in filter(env.has, was.pipelines):
        now = env.gates(name)
        for gate in was.gates(name):
            if not any(one.holds_as_much(gate) for one in now):
                instead = " and ".join(str(one) for one in now if one.metric == gate.metric)
                names.setdefault((gate, instead), []).append(name)
    for (gate, instead), which in names.items():
        now_said = f"requires {instead}" if instead else "does not any more"
        yield f"{env.name} required {gate} of {columns.some(which)}, and {now_said}"


def _judged(found: PipelineDiff, env: Environment) -> PipelineDiff:
    said = env.promoted.get(found.name)
    comes = found.release_after is not None and found.release_after != found.release_before
    if said is None or not comes or not env.has(found.name):
        return found
    verdicts = [gates.recorded(gate, said) for gate in env.gates(found.name)]
    short = _short(env.name, found.name, [one for one in verdicts if one.why])
    return replace(found, required=verdicts, warnings=[*short, *found.warnings])


def _short(environment: str, pipeline: str, found: Sequence[Verdict]) -> Iterator[str]:
    """A line for each that is not enough; those that nobody looked at, for the same reason, are one."""
    again = f"`python scripts/promote.py --to {environment} --pipeline {pipeline} --verify`"
    for why in dict.fromkeys(one.why for one in found if not one.runs):
        which = " and ".join(str(one.gate) for one in found if one.why == why and not one.runs)
        yield f"{environment} requires {which} of {pipeline}, and {why}; {again} has them"
    for one in (one for one in found if one.runs):
        todo = (
            f"{again} looks again"
            if len(one.runs) < one.gate.runs
            else f"promote another one, or have other bounds reviewed in {values_path(environment)}"
        )
        yield (
            f"{environment} requires {one.gate} of {pipeline}, and what release.yaml has of this release is not "
            f"enough: {one.figures} ({one.why}); {todo}"
        )


def lines(pipelines: Sequence[PipelineDiff]) -> list[str]:
    """What was required and measured well, of one pipeline or of several that have the same gates."""
    return [*_lines(pipelines)]


def _lines(pipelines: Sequence[PipelineDiff]) -> Iterator[str]:
    for first, *others in zip(*(one.required for one in pipelines), strict=True):
        if first.why:  # a warning says it
            continue
        figures = first.figures
        if others:
            values = [value for one in (first, *others) for value in one.values]
            figures = f"{min(values):.6g} to {max(values):.6g}"
        yield f"required {first.gate}, measured {figures}"


def key(found: PipelineDiff) -> tuple[object, ...]:
    """What is the same for pipelines that are told together: what is required, not what each measured."""
    return tuple((one.gate, one.why) for one in found.required)


def as_json(found: Verdict) -> Mapping[str, Any]:
    """As `schemas/diff.schema.json` has it."""
    return {
        **found.gate.told,
        "measured": {one.run: list(one.values) for one in found.runs},
        "enough": not found.why,
        "text": found.told,
    }
