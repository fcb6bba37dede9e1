"""What an apply tells while it works and at its end: lines for people, JSON for machines, a termination message."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console

if TYPE_CHECKING:
    from kfp_gitops.reconcile.apply import Outcome
    from kfp_gitops.reconcile.events import Event
    from kfp_gitops.reconcile.plan import Plan

_TERMINATION_BYTES = 4096
"""Kubernetes cuts a longer message (container.terminationMessagePath)."""


def add(parser: ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("what is told")
    group.add_argument(
        "--log-json", metavar="FILE", help="one JSON object for each step, a line each; - is stderr"
    )
    group.add_argument(
        "--termination-log", type=Path, metavar="FILE", help="where a pod's last words go: a summary as JSON"
    )


@contextmanager
def events(arguments: Namespace) -> Iterator[Callable[[Event], None]]:
    """Tell each step as it ends."""
    if arguments.log_json in (None, "-"):
        yield lambda event: _told(event, sys.stderr if arguments.log_json else None)
        return
    with _opened(arguments.log_json) as log:
        yield lambda event: _told(event, log)


def _opened(path: str) -> IO[str]:
    try:
        return Path(path).open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-json {path}: {error.strerror}") from None


def _told(event: Event, log: IO[str] | None) -> None:
    text = f": {event.detail}" if event.detail else ""
    console.result(f"{event.action} {event.kind} {event.name or event.pipeline}: {event.outcome}{text}")
    if log:
        log.write(json.dumps({k: v for k, v in asdict(event).items() if v != ()}, default=str) + "\n")
        log.flush()


def summary(arguments: Namespace, plan: Plan, done: Outcome, seconds: float) -> None:
    """The sum, for people and for Kubernetes."""
    data = summarized(plan, done, seconds)
    counts = ", ".join(f"{number} {what}" for what, number in data["done"].items()) or "nothing to do"
    rest = [
        f"{len(found)} {what}" for what, found in (("failed", done.failed), ("postponed", done.postponed))
    ]
    console.result(f"applied in {seconds:.1f} s: {counts}; {', '.join(rest)}")
    if arguments.termination_log:
        try:
            arguments.termination_log.write_text(termination_message(data), "utf-8")
        except OSError as error:  # the work is done; that must not be lost over its last words
            console.note(f"--termination-log {arguments.termination_log}: {error.strerror}")


def summarized(plan: Plan, done: Outcome, seconds: float) -> dict[str, Any]:
    """The sum as data."""
    counts = Counter(f"{event.action} {event.kind}" for event in done.events if event.outcome == "done")
    return {
        "environment": plan.environment,
        "seconds": round(seconds, 1),
        "done": dict(sorted(counts.items())),
        "missedFirings": sum(len(event.missed) for event in done.events),
        "conflicts": [f"{change.kind} {change.name}" for change in plan.conflicts],
        "postponed": [f"{pipeline}: {why}" for pipeline, why in done.postponed],
        "failed": [f"{pipeline}: {why}" for pipeline, why in done.failed],
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
