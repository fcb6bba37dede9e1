"""Why a run failed: the end of the log of what failed first, for KFP itself tells no error (2.17.0)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kfp_gitops.base import columns, redact
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.following import Shown
from kfp_gitops.operate.runlook import podlogs, tasks, workflow

_INPUT = "Got executor_input:"
_READ, _SHOWN = 500, 12
"""Lines that are read from the end, and that are shown."""
_MOST = 300
"""Characters of a reason in a line."""
_NOISE = re.compile(r"[IWEF]\d{4} [\d:.]+ +\d+ \w+\.go:\d+\] |time=\".*\" level=info |\[KFP Executor ")
"""What KFP's launcher (klog), Argo's emissary and the SDK's executor write of themselves around the step's words."""
Say = Callable[[str], str]
"""`run.py --logs …` → what a person types here."""


@dataclass(frozen=True)
class Reason:
    """Of what failed first: the end of its log, or why there is none; and the command that shows all of it."""

    task: str
    lines: tuple[str, ...]
    missing: str
    command: str
    argo: str = ""
    """What Argo Workflows says of the pod's end, where Kubernetes could be asked."""


def of(api: KfpApi, shown: Shown, say: Say) -> Reason | None:
    """Of a run that failed; None where no task has."""
    found = tasks.first_failure(shown.tasks) if shown.run.state in ("FAILED", "CANCELED") else None
    if found is None:
        return None
    lines, missing = podlogs.last(api, shown.run.id, found.pod, _READ, patient=False)
    argo = workflow.message(api, shown.run.id, found.pod)
    told = str(found).rpartition(", attempt")[0]
    if not lines:
        return Reason(told, (), missing or "its log is empty", podlogs.kubectl(api, found.pod), argo)
    return Reason(told, tuple(_end(lines)), "", say(f"run.py --logs {shown.run.id} {found.path}"), argo)


def _end(lines: Sequence[str]) -> list[str]:
    """Without what the launcher tells of itself, unless that is all."""
    own = [line for line in _after_input(lines) if line.strip() and not _NOISE.match(line)]
    return (own or [line for line in lines if line.strip()])[-_SHOWN:]


def _after_input(lines: Sequence[str]) -> Sequence[str]:
    """Behind what the SDK's executor writes of all that it was given (kfp.dsl.executor_main): JSON, indented."""
    begun = [number for number, line in enumerate(lines) if line.endswith(_INPUT)]
    ends = [number for number, line in enumerate(lines) if line == "}" and begun and number > begun[-1]]
    return lines[ends[0] + 1 :] if ends else lines


def in_a_line(found: Reason | None, shown: Shown) -> str:
    """The last that the log says, else what Argo Workflows or the server says; "": nobody tells."""
    own = [*found.lines[-1:], found.argo] if found else []
    errors = [shown.run.error, *(task.error for task in shown.run.tasks)]
    said = next(filter(None, (*own, *errors)), "")
    return redact.text(" ".join(said.split()))[:_MOST]


def told(found: Reason | None, shown: Shown, link: str, width: int) -> Iterator[str]:
    """As lines for people."""
    if shown.run.state not in ("FAILED", "CANCELED"):
        return
    if shown.run.terminated:
        yield "  it was terminated"
    if found is not None and found.argo:
        yield from columns.folded(f"  {found.task}: {found.argo} (says Argo Workflows)", width, 4)
    if found is None and shown.run.error:
        return  # it stands above: a server that tells errors, such as the development server
    if found is None:
        said = f"  no task tells why: its deadline passed, it never began, or KFP lost its tasks; see {link}"
        yield from columns.folded(said, width, 4) if not shown.run.terminated else ()
    elif found.lines:
        yield f"  {'' if shown.run.terminated else 'why '}{found.task} failed, by the end of its log:"
        yield from (f"    | {line}" for line in found.lines)
        yield "  all of it:"
        yield from columns.command(found.command, width, 4)
    else:
        why = f"  why {found.task} failed is in its log, which KFP does not give ({found.missing}):"
        yield from columns.folded(why, width, 4)
        yield f"    {link}"
        yield "  or while its pod is there:"
        yield from columns.command(found.command, width, 4)
