"""A run of a server. Of what its tasks gave, KFP's API says nothing (seen on KFP 2.17.0): its page does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.operate.comparing import steps
from kfp_gitops.operate.comparing.sides import Part, Side, complete, leaves
from kfp_gitops.operate.following import Shown


def side(shown: Shown, link: str) -> Side:
    """The run as it stands; `link` is its page."""
    run, version = shown.run, shown.version
    found: Mapping[str, Any] = version.spec if version else {}
    spec = found.get("pipeline_spec", found)
    facts = version.facts if version else {}
    return Side(
        run=run.id,
        place=link,
        pipeline=str((spec.get("pipelineInfo") or {}).get("name", "")),
        state=run.state,
        started=run.created,
        ended=run.ended,
        parameters=complete(spec, run.parameters),
        parts=dict(_parts(shown)),
        steps=steps.of(spec, found.get("platform_spec") or {}),
        tells_outputs=False,
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
