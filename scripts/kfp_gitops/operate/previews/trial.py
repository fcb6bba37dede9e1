"""One run of each pipeline of a preview, and the run of the previewed environment that it is held against.

A run's name is its version's and a number, and it is looked for before it is started: a push that changes nothing of a
pipeline, and a workflow that is run again, find the run that there is. One that failed is made anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Manifest
from kfp_gitops.operate import runs
from kfp_gitops.operate.following import FINAL, Shown, Watch
from kfp_gitops.operate.operations.terminate import terminate
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, experiment_name, marked_experiment

_DIGITS = 12
_POLL, _LONGEST = 1.0, 10.0
"""Seconds between two looks, at first and at most."""
Tell = Callable[[str], None]


def given(manifest: Manifest) -> tuple[dict[str, Any], list[str]]:
    """What a run of it is given for parameters without a default, from its first schedule; and what nothing gives."""
    needed = [parameter.name for parameter in manifest.parameters if parameter.required]
    said = manifest.schedules[0].parameters if manifest.schedules else {}
    return {name: said[name] for name in needed if name in said}, [
        name for name in needed if name not in said
    ]


def start(
    api: KfpApi, desired: Desired, parameters: Mapping[str, Mapping[str, Any]], tell: Tell = lambda _: None
) -> dict[str, str]:
    """Pipeline on KFP → its run, begun now or before; runs of earlier pushes that still go on are stopped.

    `parameters`: of those that are to be run.

    Raises:
        RemoteError: it is begun anew.
    """
    wanted = [pipeline for pipeline in desired.pipelines if pipeline.name in parameters]
    return {one.name: _run(api, desired, one, parameters[one.name], tell) for one in wanted}


def _run(
    api: KfpApi, desired: Desired, pipeline: DesiredPipeline, parameters: Mapping[str, Any], tell: Tell
) -> str:
    experiment = _experiment(api, desired, pipeline.name)
    begin = f"{pipeline.name}-{pipeline.digest.removeprefix('sha256:')[:_DIGITS]}-"
    found = _numbered(api.runs_called_like(begin), begin)
    its, pipeline_id = api.runs_in(experiment), api.pipeline_id(pipeline.called)
    for other in its:
        if other.active and not other.name.startswith(begin) and api.run(other.id).pipeline_id == pipeline_id:
            tell(f"{other.name}: {terminate(api, other.id)}")
    newest = max(found, default=0)
    own = newest and found[newest].id in {run.id for run in its}  # anybody may call a run so, elsewhere
    if own and (found[newest].active or found[newest].state == "SUCCEEDED"):
        tell(f"{found[newest].name}: is there already ({found[newest].state})")
        return found[newest].id
    name = f"{begin}{newest + 1}"
    tell(f"{name}: started")
    return api.create_run(
        name=name,
        pipeline_id=pipeline_id,
        version_id=api.version_id(pipeline_id, pipeline.version, pipeline.digest),
        experiment_id=experiment,
        parameters=parameters,
        description=runs.started(by="preview"),
    )


def _experiment(api: KfpApi, desired: Desired, pipeline: str) -> str:
    """Of the runs of one, marked as an aside's, so that it goes with that."""
    name = experiment_name(pipeline, desired.owner.environment)
    found = api.experiment(name) or api.create_experiment(
        name, marked_experiment(desired.owner, pipeline, **desired.marks)
    )
    return found.id


def _numbered(found: Sequence[ActualRun], begin: str) -> dict[int, ActualRun]:
    """Those of this version, by their numbers."""
    numbers = ((re.fullmatch(r"[1-9]\d{0,4}", run.name.removeprefix(begin)), run) for run in found)
    return {int(number[0]): run for number, run in numbers if number and run.name.startswith(begin)}


@dataclass(frozen=True)
class Ended:
    """The runs as they stood at the end of the wait; the others go on."""

    shown: Mapping[str, Shown]
    waiting: tuple[str, ...] = ()


def wait(
    api: KfpApi,
    watch: Watch,
    started: Mapping[str, str],
    seconds: float,
    tell: Tell,
    sleep: Callable[[float], None] = time.sleep,
) -> Ended:
    """Until all have ended, at most for so long; each change of a state is told.

    Raises:
        RemoteError: KFP does not answer; the runs go on.
    """
    deadline, pause = time.monotonic() + seconds, _POLL
    states: dict[str, str] = {}
    while True:
        for name, run_id in started.items():
            if states.get(name) not in FINAL and (state := api.run(run_id).state) != states.get(name):
                states[name] = state
                tell(f"{name}: {state}")
        left = [name for name in started if states[name] not in FINAL]
        if not left or time.monotonic() >= deadline:
            break
        sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.3, _LONGEST)
    shown = {name: watch.settled(watch.look(run_id)) for name, run_id in started.items()}
    return Ended(shown, tuple(left))


def last(api: KfpApi, owner: Owner, pipeline: str) -> str | None:
    """The newest run of a pipeline of an environment that succeeded, else the newest that ended; None: there is none.

    Raises:
        RemoteError: KFP does not answer.
    """
    found = api.experiment(experiment_name(pipeline, owner.environment))
    if found is None or found.owner != owner:
        return None
    try:
        ended = [run for run in api.runs_in(found.id) if run.state in FINAL]
    except NotFoundError:
        return None
    good = [run for run in ended if run.state == "SUCCEEDED"]
    return next((run.id for run in [*good, *ended]), None)
