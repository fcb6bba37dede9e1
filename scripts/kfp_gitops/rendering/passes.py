"""What a pass each minute is for (`reconcile.py trigger`): where there is nothing, none is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp_gitops.base import weburls, yamltext
from kfp_gitops.base.errors import Problem
from kfp_gitops.language.manifest import AfterRun, OnChange, OnData, OutputOf, Trigger, reader
from kfp_gitops.rendering.rendered import RenderedPipeline, bounds_of
from kfp_gitops.sources import asides, environment, previews
from kfp_gitops.sources.environment import Environment

_SHOWN = 3
_MARK = "\ntriggers:"
"""In the text of a manifest that has some: thousands have none, and are not read for that."""


@dataclass(frozen=True)
class Passes:
    """What passes are for: (pipeline, trigger) that wait for runs and for data, and in words what else goes on.

    `collects`: what is taken down when its time is over.
    """

    after_runs: tuple[tuple[str, str], ...] = ()
    on_data: tuple[tuple[str, str], ...] = ()
    backfills: tuple[str, ...] = ()
    collects: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()
    """Those of the triggers that hand on outputs of runs."""
    off: tuple[tuple[str, str], ...] = ()
    """Those that are turned off: a pass sees that they are, so nothing of that time is owed when they are on again."""
    disabled: bool = False
    """Whether the environment is turned off: a pass sees that it is, starts nothing, and goes on with no backfill."""

    @property
    def wanted(self) -> bool:
        """Whether there is anything for a pass to do."""
        return bool(self.reason)

    @property
    def reason(self) -> str:
        """Why, for who reads what is delivered, in words that stay the same from one backfill to the next."""
        here = " (off)" if self.disabled else ""
        named = [
            f"{pipeline}/{trigger}{here}" for pipeline, trigger in sorted((*self.after_runs, *self.on_data))
        ]
        off = [f"{pipeline}/{trigger} (off)" for pipeline, trigger in sorted(self.off)]
        more = [*(["backfills"] if self.backfills else []), *self.collects]
        return ", ".join([*_first([*named, *off]), *more])


def _first(named: list[str]) -> Iterator[str]:
    yield from named[:_SHOWN]
    if len(named) > _SHOWN:
        yield f"{len(named) - _SHOWN} more"


def found(root: Path, env: Environment, pipelines: Iterable[RenderedPipeline]) -> Passes:
    """What an environment asks for; of triggers that are turned off, or whose environment is, a look alone."""
    all_of_them = [(one.name, trigger) for one in pipelines for trigger in on_causes(one)]
    triggers = [(name, one) for name, one in all_of_them if one.enabled]
    return Passes(
        tuple((name, one.name) for name, one in triggers if isinstance(one.run_on, AfterRun)),
        tuple((name, one.name) for name, one in triggers if isinstance(one.run_on, OnData)),
        () if env.disabled else tuple(one.id for one in env.backfills),
        (
            *(["previews"] if _is_previewed(root, env) else []),
            *(["asides"] if asides.allowed(env.values.value) else []),
        ),
        tuple((name, one.name) for name, one in triggers if _reads(one) and not env.disabled),
        tuple((name, one.name) for name, one in all_of_them if not one.enabled),
        disabled=env.disabled,
    )


def _reads(trigger: Trigger) -> bool:
    return any(isinstance(value, OutputOf) for value in trigger.references.values())


def on_causes(pipeline: RenderedPipeline) -> Iterator[Trigger]:
    """The triggers of a pipeline that wait for runs or data, those that are turned off, too."""
    if _MARK in pipeline.manifest:
        path = f"pipelines/{pipeline.name}/pipeline.yaml"
        manifest: Mapping[str, Any] = yamltext.parse(pipeline.manifest, path, bounds_of(path)).value
        of_all = reader.triggers(manifest)
        yield from (one for one in of_all if not isinstance(one.run_on, OnChange))


def _is_previewed(root: Path, env: Environment) -> bool:
    """Whether pull requests are tried beside it."""
    return any(previews.of(root, name) == env.name for name in environment.of_previews(root))


def problems(env: Environment, passes: Passes) -> Iterator[Problem]:
    """Data that the pods cannot reach: nothing says where the store is, and by which keys it is read."""
    if passes.on_data and "data" not in env.delivery:
        pipeline, trigger = passes.on_data[0]
        what = f"trigger {trigger!r} of {pipeline} looks at data, and nothing says how the reconciler reaches them"
        todo = "set delivery.data: {env: …, network: …}, or {} for AWS with the pod's own role"
        yield env.values.problem(("delivery",), what, todo)


def warnings(env: Environment, passes: Passes) -> Iterator[Problem]:
    """Outputs of runs of which nothing says where they are read: what needs them waits for ever."""
    host = weburls.split(env.kfp["host"])
    if passes.reads and "metadata" not in env.kfp and not (host and weburls.is_loopback(host.hostname)):
        pipeline, trigger = passes.reads[0]
        what = f"trigger {trigger!r} of {pipeline} hands on outputs of runs, and nothing says where they are read"
        todo = "set kfp.metadata, such as http://metadata-envoy-service.kubeflow.svc.cluster.local:9090"
        yield env.values.problem(("kfp",), what, todo)
