"""A run of a server. Of what its tasks gave, KFP's API says nothing (seen on KFP 2.17.0): its metadata store does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kfp_gitops.kfpserver.metadata import RunResults, TaskResults, logged
from kfp_gitops.operate.comparing import steps
from kfp_gitops.operate.comparing.of_here import digest
from kfp_gitops.operate.comparing.sides import File, Part, Side, complete, leaves
from kfp_gitops.operate.following import Shown

DECIMALS = 6
"""Of a number that was logged (ML Metadata writes it with `std::to_string`, query_config_executor.cc)."""


def side(shown: Shown, link: str, given: RunResults | str) -> Side:
    """The run as it stands; `link` is its page; `given`: what its tasks gave, or why nobody knows."""
    run, version = shown.run, shown.version
    found: Mapping[str, Any] = version.spec if version else {}
    spec = found.get("pipeline_spec", found)
    facts = version.facts if version else {}
    of_tasks = {} if isinstance(given, str) else {one.label: one for one in given.tasks if not one.group}
    return Side(
        run=run.id,
        place=link,
        pipeline=str((spec.get("pipelineInfo") or {}).get("name", "")),
        state=run.state,
        started=run.created,
        ended=run.ended,
        parameters=complete(spec, run.parameters),
        parts={label: _part(part, of_tasks.get(label)) for label, part in _parts(shown)},
        steps=steps.of(spec, found.get("platform_spec") or {}),
        tells_nothing=given if isinstance(given, str) else "",
        decimals=DECIMALS,
        version=version.name if version else "",
        release=facts.get("release", ""),
        commit=facts.get("commit", ""),
    )


def _parts(shown: Shown) -> Iterator[tuple[str, Part]]:
    for path, view in leaves(shown.tasks):
        if len(view.seen) < 2:
            yield path, Part(view.state, None if view.cached else view.seconds)
        for index, seen in enumerate(view.seen if len(view.seen) > 1 else ()):
            took = (seen.ended - seen.started).total_seconds() if seen.started and seen.ended else None
            yield f"{path} #{index}", Part(seen.state, None if seen.cached else took)


def _part(part: Part, given: TaskResults | None) -> Part:
    if given is None:
        return part
    artifacts = {
        name if len(found) == 1 else f"{name}[{index}]": one
        for name, found in given.artifacts.items()
        for index, one in enumerate(found)
    }
    told = {
        f"{name}.{key}": value
        for name, one in artifacts.items()
        for key, value in logged.of({"metadata": one.metadata}).items()
    }
    files = {name: File(one.uri, _digest(one.uri)) for name, one in artifacts.items()}
    return Part(part.state, part.seconds, given.parameters, told, files)


def _digest(uri: str) -> str | None:
    """Of what the development server keeps on this machine; whatever lies elsewhere has its run's own place."""
    return (
        digest(uri) if uri.startswith(("/", "file:")) and Path(uri.removeprefix("file://")).exists() else None
    )
