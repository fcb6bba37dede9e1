"""Why a run failed: the end of the log of what failed first, for KFP itself tells no error (2.17.0)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.following import Shown
from kfp_gitops.operate.runlook import podlogs, tasks

_READ, _SHOWN = 200, 12
"""Lines that are read from the end, and that are shown."""
_LAUNCHER = re.compile(r"[IW]\d{4} \d\d:\d\d:\d\d\.\d+ ")
"""What KFP's launcher writes about itself (klog), behind what the step wrote."""
Say = Callable[[str], str]
"""`run.py --logs …` → what a person types here."""


@dataclass(frozen=True)
class Reason:
    """Of what failed first: the end of its log, or why there is none; and the command that shows all of it."""

    task: str
    lines: tuple[str, ...]
    missing: str
    command: str


def of(api: KfpApi, shown: Shown, say: Say) -> Reason | None:
    """Of a run that failed; None where no task has."""
    found = tasks.first_failure(shown.tasks) if shown.run.state in ("FAILED", "CANCELED") else None
    if found is None:
        return None
    lines, missing = podlogs.last(api, shown.run.id, found.pod, _READ)
    told = str(found).rpartition(", attempt")[0]
    if not lines:
        return Reason(told, (), missing or "its log is empty", podlogs.kubectl(api, found.pod))
    return Reason(told, tuple(_end(lines)), "", say(f"run.py --logs {shown.run.id} {found.path}"))


def _end(lines: Sequence[str]) -> list[str]:
    """Without what the launcher tells of itself, unless that is all."""
    own = [line for line in lines if line.strip() and not _LAUNCHER.match(line)]
    return (own or [line for line in lines if line.strip()])[-_SHOWN:]


def told(found: Reason | None, shown: Shown, link: str) -> Iterator[str]:
    """As lines for people."""
    if shown.run.state not in ("FAILED", "CANCELED"):
        return
    if found is None:
        yield f"  no task tells why: it was terminated, its deadline passed, or it never began; see {link}"
    elif found.lines:
        yield f"  why {found.task} failed, by the end of its log:"
        yield from (f"    | {line}" for line in found.lines)
        yield "  all of it:"
        yield f"    {found.command}"
    else:
        yield f"  why {found.task} failed is in its log, which KFP does not give ({found.missing});"
        yield f"  on its page: {link}"
        yield "  or while the pod is there:"
        yield f"    {found.command}"
