"""What an apply tells while it works and at its end: lines for people, JSON for machines, a termination message."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile import lines, showing
from kfp_gitops.commands.reconcile.progress import Progress

if TYPE_CHECKING:
    from kfp_gitops.reconcile.apply import Outcome
    from kfp_gitops.reconcile.plan import Plan

_TERMINATION_BYTES = 4096
"""Kubernetes cuts a longer message (container.terminationMessagePath)."""


def add(parser: ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("what is told")
    group.add_argument(
        "--log-json", metavar="FILE",
        help="one JSON object for each step, a line each (schemas/step.schema.json); - is stderr",
    )  # fmt: skip
    group.add_argument(
        "--termination-log", type=Path, metavar="FILE",
        help="where a pod's last words go: the sum as JSON (schemas/apply.schema.json)",
    )  # fmt: skip


@contextmanager
def events(arguments: Namespace) -> Iterator[Progress]:
    """What tells each step as it ends."""
    if arguments.log_json in (None, "-"):
        yield Progress(sys.stderr if arguments.log_json else None, each=arguments.everything)
        return
    with _opened(arguments.log_json) as log:
        yield Progress(log, each=arguments.everything)


def _opened(path: str) -> IO[str]:
    try:
        return Path(path).open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-json {path}: {error.strerror}") from None


def plan(arguments: Namespace, found: Plan) -> None:
    """The plan before it is carried out: its beginning, for steps and the sum follow it in the same log.

    Of one that does nothing only what a person should know: that nothing is done is the sum.
    """
    from kfp_gitops.reconcile import plantext

    quiet = arguments.format == "text" and not arguments.out and not arguments.everything
    if not quiet or found.to_do or found.conflicts:
        showing.beginning(arguments, found)
        return
    for line in plantext.notes(lines.placed(arguments, found), showing.look(arguments)):
        console.result(line)


@dataclass(frozen=True)
class Sum:
    """What an apply was to do and did, with how many requests to KFP, in how many seconds."""

    plan: Plan
    done: Outcome
    requests: int
    seconds: float
    missed: int = 0
    """Firings that the schedules which it touched have missed, as `status` counts them."""
    backfilled: int = 0
    """Runs of backfills that it started."""

    @property
    def pipelines(self) -> dict[str, int]:
        """How many pipelines came out how: `changed` also where something failed after that."""
        done = self.done
        bad = {
            "failed": {name for name, _ in done.failed},
            "refused": {name for name, _ in done.refused},
            "postponed": {name for name, _ in done.postponed},
            "conflicting": {change.pipeline for change in self.plan.conflicts},
        }
        changed = {event.pipeline for event in done.events if event.outcome == "done"}
        found = {"changed": changed.difference(*bad.values()), **bad}
        all_of_them = {change.pipeline for change in self.plan.changes}
        found["unchanged"] = all_of_them.difference(*found.values())
        return {what: len(names) for what, names in found.items()}

    def __str__(self) -> str:
        counts = [
            f"{number:,} {what}"
            for what, number in self.pipelines.items()
            if number or what in ("changed", "unchanged")
        ]
        work = f"{columns.counted(self.requests, 'request')}, {self.seconds:.1f} s"
        if self.backfilled:
            counts.append(f"{columns.counted(self.backfilled, 'run')} of backfills started")
        elif not self.done.events and not self.plan.to_do and not self.plan.conflicts:
            counts = [f"nothing to do, {columns.counted(self.pipelines['unchanged'], 'pipeline')} unchanged"]
        return f"{self.plan.environment}: {', '.join(counts)}; {work}"


def summary(arguments: Namespace, found: Sum) -> None:
    """The sum, for people and for Kubernetes."""
    data = summarized(found)
    done = ", ".join(f"{number:,} {what}" for what, number in data["done"].items())
    if done:
        console.result("\n".join(columns.folded(f"done: {done}", columns.width(), 6)))
    console.result(str(found))
    if arguments.termination_log:
        try:
            arguments.termination_log.write_text(termination_message(data), "utf-8")
        except OSError as error:  # the work is done; that must not be lost over its last words
            console.note(f"--termination-log {arguments.termination_log}: {error.strerror}")


def summarized(found: Sum) -> dict[str, Any]:
    """The sum as schemas/apply.schema.json says."""
    plan, done = found.plan, found.done
    counts = Counter(f"{event.action} {event.kind}" for event in done.events if event.outcome == "done")
    return {
        "summary": str(found),
        "environment": plan.environment,
        "seconds": round(found.seconds, 1),
        "requests": found.requests,
        "pipelines": found.pipelines,
        "done": dict(sorted(counts.items())),
        "missedFirings": found.missed,
        "conflicts": [f"{change.kind} {change.name}" for change in plan.conflicts],
        "postponed": [f"{pipeline}: {why}" for pipeline, why in done.postponed],
        "failed": [f"{pipeline}: {why}" for pipeline, why in (*done.failed, *done.refused)],
    }


def termination_message(data: dict[str, Any]) -> str:
    """As JSON of at most 4,096 bytes: long lists are cut, and say so."""
    kept = {**data}
    most = max((len(value) for value in data.values() if isinstance(value, list)), default=0)
    while len(text := json.dumps(kept)) > _TERMINATION_BYTES:
        most = most // 2
        kept = {key: _cut(value, most) if isinstance(value, list) else value for key, value in data.items()}
    return text


def _cut(items: list[str], most: int) -> list[str]:
    shown = [item[:300] for item in items[:most]]
    return [*shown, f"and {len(items) - most} more"] if len(items) > most else shown
