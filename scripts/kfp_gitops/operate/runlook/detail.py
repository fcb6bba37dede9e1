"""One run: what it is of, who started it, how each task stands and why it failed; for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base import columns, redact
from kfp_gitops.kfpserver.metadata import RunResults
from kfp_gitops.kfpserver.runtree import View
from kfp_gitops.kfpserver.runtree.fold import Seen
from kfp_gitops.operate.following import Shown, table
from kfp_gitops.operate.runlook import reason as reasons
from kfp_gitops.operate.runlook.origin import Origin
from kfp_gitops.operate.runlook.reason import Reason
from kfp_gitops.operate.runlook.rows import started_by
from kfp_gitops.operate.runlook.times import instant

_VALUE = 300
"""Characters of a parameter that people see."""


@dataclass(frozen=True)
class Detail:
    """A run at one look; `pipeline`: "" where it is in none of the environment's experiments.

    `given`: what its tasks gave, where that was asked for.
    """

    environment: str
    pipeline: str
    shown: Shown
    origin: Origin
    reason: Reason | None
    link: str
    given: RunResults | None = None

    @property
    def version(self) -> str:
        """Its name; "": it runs an IR of its own."""
        return self.shown.version.name if self.shown.version else ""

    @property
    def facts(self) -> Mapping[str, str]:
        """What the registered version says that it is of."""
        return self.shown.version.facts if self.shown.version else {}

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that it was not given, as its IR has them."""
        spec = self.shown.version.spec if self.shown.version else {}
        root = (spec.get("pipeline_spec", spec).get("root") or {}).get("inputDefinitions") or {}
        declared = root.get("parameters") or {}
        given = self.shown.run.parameters
        return {
            name: one["defaultValue"]
            for name, one in declared.items()
            if name not in given and "defaultValue" in one
        }


def to_text(found: Detail, width: int) -> str:
    """State and tasks first, then why, then what it is of."""
    why = list(reasons.told(found.reason, found.shown, found.link, width))
    lines = [*table(found.shown), *why, ""]
    for label, text in _facts(found):
        line = f"{label:<12}{text}"
        lines += columns.folded(line, width, 12) if " " in text else [line]
    return "\n".join(lines)


def _facts(found: Detail) -> Iterator[tuple[str, str]]:
    run, facts = found.shown.run, found.facts
    yield "link", found.link
    yield "pipeline", found.pipeline or f"of none of {found.environment}'s experiments"
    yield "version", found.version or "none: it was started with an IR of its own"
    yield "release", facts.get("release", "") or "-"
    yield "commit", facts.get("commit", "") or "-"
    yield (
        "started",
        f"{run.created:%Y-%m-%d %H:%M:%S} UTC, {found.origin}" if run.created else str(found.origin),
    )
    if found.origin.cause and found.origin.cause.link:
        yield "", found.origin.cause.link
    label = "parameters"
    for name, value in run.parameters.items():
        yield label, _written(name, value)
        label = ""
    for name, value in found.defaults.items():
        yield label, f"{_written(name, value)} (default)"
        label = ""
    yield from _given(found.given)


def _given(given: RunResults | None) -> Iterator[tuple[str, str]]:
    """Metrics first, for they are what one looks for; then outputs, groups' own too."""
    label = "metrics"
    for (task, artifact), values in (given.metrics if given else {}).items():
        for name, value in values.items():
            yield label, f"{task} {artifact}.{name}={value:.6g}"
            label = ""
    label = "outputs"
    for (task, output), value in (given.outputs if given else {}).items():
        yield label, " ".join(filter(None, [task, _written(output, value)]))
        label = ""


def _written(name: str, value: Any) -> str:
    text = f"{name}={json.dumps(redact.value(name, value), ensure_ascii=False)}"
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}… ({len(text):,} characters: --json)"


def to_json(found: Detail) -> str:
    """schemas/run.schema.json."""
    run, facts = found.shown.run, found.facts
    told = {
        "environment": found.environment,
        "pipeline": found.pipeline,
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "created": instant(run.created),
        "ended": instant(run.ended),
        "link": found.link,
        "version": found.version,
        "release": facts.get("release", ""),
        "commit": facts.get("commit", ""),
        "started_by": started_by(found.origin),
        "parameters": {name: redact.value(name, value) for name, value in run.parameters.items()},
        "defaults": {name: redact.value(name, value) for name, value in found.defaults.items()},
        "tasks": [_task(view) for view in found.shown.tasks],
        "error": redact.text(run.error) if run.error else None,
        "reason": _reason(found.reason),
        "outputs": _by_task(found.given.outputs, redact.value) if found.given else None,
        "metrics": _by_task(found.given.metrics, lambda _name, value: value) if found.given else None,
    }
    return json.dumps(told, indent=2)


def _by_task(found: Mapping[tuple[str, str], Any], shown: Callable[[str, Any], Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for (task, name), value in found.items():
        told.setdefault(task, {})[name] = shown(name, value)
    return told


def _reason(found: Reason | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "task": found.task, "log": list(found.lines), "missing": found.missing, "command": found.command,
        "argo": found.argo,
    }  # fmt: skip


def _task(view: View) -> dict[str, Any]:
    return {
        "id": view.id,
        "kind": view.kind,
        "state": view.state,
        "started": instant(view.started),
        "ended": instant(view.ended),
        "succeeded": view.done,
        "total": view.total,
        "failed": view.failed,
        "cached": view.cached,
        "retries": view.retries,
        "why": view.why,
        "attempts": [one for seen in view.seen for one in _attempts(seen)],
        "inside": [_task(inner) for inner in view.inside],
    }


def _attempts(seen: Seen) -> Iterator[dict[str, Any]]:
    for pod in seen.pods:
        yield {"pod": pod.name, "attempt": pod.attempt, "state": pod.state, "driver": pod.driver}
