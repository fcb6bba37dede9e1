"""What a pass each minute is for (`reconcile.py trigger`): where there is nothing, none is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base import yamltext
from kfp_gitops.base.errors import Problem
from kfp_gitops.language.manifest import OnChange, OnData, Trigger, reader
from kfp_gitops.rendering.rendered import RenderedPipeline, bounds_of
from kfp_gitops.sources.environment import Environment

_SHOWN = 3
_MARK = "\ntriggers:"
"""In the text of a manifest that has some: thousands have none, and are not read for that."""


@dataclass(frozen=True)
class Passes:
    """What passes are for, in words: (pipeline, trigger) that wait for runs and for data, and what else goes on."""

    after_runs: tuple[tuple[str, str], ...] = ()
    on_data: tuple[tuple[str, str], ...] = ()
    further: tuple[str, ...] = ()

    @property
    def wanted(self) -> bool:
        """Whether there is anything for a pass to do."""
        return bool(self.after_runs or self.on_data or self.further)

    @property
    def reason(self) -> str:
        """Why, for who reads what is delivered."""
        named = [f"{pipeline}/{trigger}" for pipeline, trigger in sorted((*self.after_runs, *self.on_data))]
        more = [f"{len(named) - _SHOWN} more"] if len(named) > _SHOWN else []
        return ", ".join([*named[:_SHOWN], *more, *self.further])


def found(pipelines: Iterable[RenderedPipeline], further: Iterable[str] = ()) -> Passes:
    """What the triggers of pipelines ask for, and what `further` says; of triggers that are turned off nothing."""
    triggers = [(one.name, trigger) for one in pipelines for trigger in _enabled(one)]
    return Passes(
        tuple((name, one.name) for name, one in triggers if not isinstance(one.run_on, OnData)),
        tuple((name, one.name) for name, one in triggers if isinstance(one.run_on, OnData)),
        tuple(further),
    )


def _enabled(pipeline: RenderedPipeline) -> Iterator[Trigger]:
    if _MARK in pipeline.manifest:
        path = f"pipelines/{pipeline.name}/pipeline.yaml"
        manifest: Mapping[str, Any] = yamltext.parse(pipeline.manifest, path, bounds_of(path)).value
        found = reader.triggers(manifest)
        yield from (one for one in found if one.enabled and not isinstance(one.run_on, OnChange))


def problems(env: Environment, passes: Passes) -> Iterator[Problem]:
    """Data that the pods cannot reach: nothing says where the store is, and by which keys it is read."""
    if passes.on_data and "data" not in env.delivery and not env.disabled:
        pipeline, trigger = passes.on_data[0]
        what = f"trigger {trigger!r} of {pipeline} looks at data, and nothing says how the reconciler reaches them"
        todo = "set delivery.data: {env: …, network: …}, or {} for AWS with the pod's own role"
        yield env.values.problem(("delivery",), what, todo)
