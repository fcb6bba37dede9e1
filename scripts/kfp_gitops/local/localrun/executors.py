"""Which executors run on this machine without their image, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from kfp_gitops.language.wellknown import PYTHON_EXECUTOR, STUB_IMAGES
from kfp_gitops.local.localrun import docker, known, packages
from kfp_gitops.local.localrun.places import Place
from kfp_gitops.local.localrun.spec import Executor, Pipeline
from kfp_gitops.local.localrun.values import Json

# The digest of an image that was never built: what a fresh fork has.
_PLACEHOLDER = f"@sha256:{'0' * 64}"


def problems(pipeline: Pipeline, place: Place) -> Iterator[str]:
    """Why a task cannot run here; nothing if it can, or if it is a group."""
    component = pipeline.components.get(place.task.component)
    if component is None:
        return
    if component.dag is not None:
        yield from _group(place)
        return
    executor = pipeline.executors.get(component.executor)
    if executor is None:
        yield f"has no executor {component.executor!r}"
    elif executor.kind == "importer":
        yield from _importer(executor)
    else:
        yield from _container(executor)


def remote_imports(pipeline: Pipeline, place: Place, given: Mapping[str, Json]) -> Iterator[str]:
    """An importer whose URI is a parameter of the run and leads to another machine."""
    component = pipeline.components.get(place.task.component)
    executor = pipeline.executors.get(component.executor) if component else None
    if executor and executor.importer and executor.importer.uri is None:
        uri = known.inputs(pipeline, given, place).get("uri")
        if isinstance(uri, str) and remote(uri):
            yield _not_here(uri, known.given_by(pipeline, place, "uri"))


def _not_here(uri: str, parameter: str) -> str:
    """`parameter`: of the pipeline, which gives the URI; "": it is written into it."""
    todo = (
        f"give {parameter!r} a file of this machine, as in --param {parameter}=FILE"
        if parameter
        else "it is no parameter: make it one, and give that a file of this machine"
    )
    return f"imports {uri!r}, which is not on this machine; {todo}"


def remote(uri: str) -> bool:
    """Whether an artifact lies outside this machine."""
    return urlsplit(uri).scheme not in ("", "file")


def in_image(executor: Executor) -> bool:
    """Whether what an executor runs is inside its image, and not a Python function that the IR holds."""
    containerized = executor.command[:3] == ("python3", "-m", PYTHON_EXECUTOR)
    return containerized or not any(PYTHON_EXECUTOR in part for part in executor.command)


def needs_image(executor: Executor) -> bool:
    """Whether it runs here by Docker alone, if at all."""
    return executor.image not in STUB_IMAGES and in_image(executor)


def _image(executor: Executor) -> Iterator[str]:
    what = f"is a container component: what it runs is inside the image {executor.image!r}"
    if executor.image.endswith(_PLACEHOLDER):
        yield f"{what}, whose digest nobody has written into release.yaml yet"
    elif not docker.available():
        yield f"{what}; it needs Docker, and no Docker engine answers here"


def _group(place: Place) -> Iterator[str]:
    if place.task.retry.count:
        yield "retries of a whole group are not supported; set them on the tasks in it"


def _importer(executor: Executor) -> Iterator[str]:
    uri = executor.importer.uri if executor.importer else None
    if uri is not None and remote(uri):
        yield _not_here(uri, "")


def other_kfps(pipeline: Pipeline) -> Iterator[str]:
    """One warning for each version of kfp that compiled Python components, and is not the one that is here."""
    labels: dict[str, list[str]] = {}
    for executor in pipeline.executors.values():
        if not in_image(executor) and (version := packages.other_kfp(executor.command)):
            labels.setdefault(version, []).append(executor.label)
    for version in sorted(labels):
        yield (
            f"compiled with kfp {version}, and run with the kfp {packages.installed('kfp')} that is here: "
            f"{', '.join(labels[version])}"
        )


def _container(executor: Executor) -> Iterator[str]:
    if executor.kind != "container":
        yield f"is of kind {executor.kind!r}, which Kubeflow Pipelines does not run either"
    elif executor.image in STUB_IMAGES:
        return  # there are no claims here, so there is nothing to do: see `claims`
    elif in_image(executor):
        yield from _image(executor)
    elif missing := packages.missing(executor.command):
        yield (
            f"installs {', '.join(missing)} when it starts, which this Python environment lacks; install it here, "
            "a run does not change the environment it runs in"
        )
