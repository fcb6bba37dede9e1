"""Everything that forbids a faithful run, found before anything runs and told all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language import expansion
from kfp_gitops.local.localrun import claims, cluster, executors, lint, parameters
from kfp_gitops.local.localrun.context import Refused, RunContext
from kfp_gitops.local.localrun.places import Place, all_places
from kfp_gitops.local.localrun.spec import Component, Pipeline


def check(pipeline: Pipeline, given: Mapping[str, Any], run: RunContext) -> None:
    """Raise with every reason why the pipeline cannot be run faithfully with these parameters.

    Raises:
        Refused: there is at least one.
    """
    if what := expansion.too_much(_parts(pipeline), ""):
        raise Refused([f"the pipeline has {what}"])
    reasons = list(dict.fromkeys(_reasons(pipeline, given, run)))
    if reasons:
        raise Refused(reasons)


def _parts(pipeline: Pipeline) -> dict[str, list[str]]:
    components = {"": pipeline.root, **pipeline.components}
    return {
        name: [task.component for task in component.dag.tasks.values()]
        for name, component in components.items()
        if component.dag
    }


def warnings(pipeline: Pipeline, run: RunContext) -> Iterator[str]:
    """What is not as on a cluster, but changes nothing that the tasks compute."""
    if ignored := cluster.ignored(pipeline, run.environ, run.mounts):
        yield ignored
    yield from claims.warnings(pipeline)
    yield from executors.other_kfps(pipeline)
    loops = [
        place.path for place in all_places(pipeline) if place.task.loop and place.task.loop.over_artifacts
    ]
    if loops:
        yield f"KFP's backend 2.17 cannot loop over artifacts, this machine can: {', '.join(loops)}"


def _reasons(pipeline: Pipeline, given: Mapping[str, Any], run: RunContext) -> Iterator[str]:
    wrong = list(parameters.problems(pipeline.root, given))
    yield from wrong
    values = {} if wrong else parameters.complete(pipeline.root, given)
    components: dict[str, Component] = {"root": pipeline.root}
    for place in all_places(pipeline):
        for why in (*_of_task(pipeline, place, run), *executors.remote_imports(pipeline, place, values)):
            yield f"task {place.path!r}: {why}"
        if found := pipeline.components.get(place.task.component):
            components[found.name] = found
    for component in components.values():
        yield from lint.dag_problems(pipeline, component)


def _of_task(pipeline: Pipeline, place: Place, run: RunContext) -> Iterator[str]:
    yield from lint.problems(pipeline, place)
    yield from executors.problems(pipeline, place)
    component = pipeline.components.get(place.task.component)
    executor = pipeline.executors.get(component.executor) if component else None
    if executor:
        yield from cluster.problems(pipeline, executor, run.environ, run.mounts)
