"""What comes after an import: it is run on this machine, judged by the policy, and rendered when digests are known."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from kfp_gitops.compiling import ir
from kfp_gitops.local.localrun import cluster, executors, known, parameters, parse
from kfp_gitops.local.localrun.context import Refused
from kfp_gitops.local.localrun.places import all_places
from kfp_gitops.local.localrun.spec import Pipeline
from kfp_gitops.sources import environment


def command(env: str, name: str, text: str) -> str:
    """The local run of a pipeline, by its IR; what people must give is named, and what does not run here is told.

    They set the variables, make the folders and choose the values themselves.
    """
    words = ["python", "scripts/run.py", "--env", env, "--pipeline", name, "--local"]
    try:
        pipeline = parse.pipeline(ir.documents(text))
    except Refused:  # the run tells why
        return shlex.join(words)
    settings = pipeline.cluster.get("deploymentSpec", {}).get("executors", {}).values()
    variables = dict.fromkeys(one for its in settings for one in cluster.variables(its))
    mounts = dict.fromkeys(path for its in settings for path in cluster.mounted(its))
    remote = list(_remote(pipeline))
    chosen = [name for _, name in remote if name]
    words += [word for one in variables for word in ("--pass-env", one)]
    words += [word for path in mounts for word in ("--mount", path)]
    words += [word for one in _given(pipeline, chosen) for word in ("--param", one)]
    containers = ", ".join(_containers(pipeline))
    why = [f"Docker, as what they run is in their images: {containers}"] if containers else []
    why += [f"KFP, as {task} imports what is elsewhere" for task, name in remote if not name]
    return shlex.join(words) + (f"  # needs {'; '.join(why)}" if why else "")


def after(env: str, images: Sequence[str]) -> Iterator[str]:
    """What is done with every import before it is merged; `images` are those whose digest nobody has written yet."""
    if images:
        path = environment.release_path(env)
        yield f"write the digests into {path}, then: python scripts/render.py --env {env} --lock"
    yield "python scripts/policy.py   # mend what it refuses, or excuse it until a day (docs/policy.md)"


def _given(pipeline: Pipeline, chosen: Sequence[str]) -> Iterator[str]:
    """Parameters that no run goes without, and those with a URI that leads to another machine."""
    for name, declared in pipeline.root.parameters.items():
        if name in chosen:
            yield f"{name}=FILE"
        elif not (declared.optional or declared.has_default):
            yield f"{name}=VALUE"


def _remote(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """Importers that take what is elsewhere, each with the parameter of the pipeline that says so; "": none does."""
    defaults = parameters.complete(pipeline.root, {})
    for place in all_places(pipeline):
        component = pipeline.components.get(place.task.component)
        found = pipeline.executors.get(component.executor) if component else None
        if not (found and found.importer):
            continue
        uri = found.importer.uri or known.inputs(pipeline, defaults, place).get("uri")
        if isinstance(uri, str) and executors.remote(uri):
            names = [] if found.importer.uri else [name for name, value in defaults.items() if value == uri]
            yield place.path, next(iter(names), "")


def _containers(pipeline: Pipeline) -> Iterator[str]:
    """Tasks whose program is in an image alone."""
    for place in all_places(pipeline):
        component = pipeline.components.get(place.task.component)
        found = pipeline.executors.get(component.executor) if component else None
        if found and found.kind == "container" and executors.needs_image(found):
            yield place.path
