"""A database of KFP's that was lost, or restored from a backup: what a lock keeps against what is there. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.operate.faults.fault import Fault
from kfp_gitops.reconcile.locking import Kept
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import KeptPause, Witness
from kfp_gitops.reconcile.records import Desired
from kfp_gitops.sources.selection import Selection

_NAME = "database"
_APPLY = "reconcile.py apply"
_REST = (
    "apply registers all of it anew, without the runs of triggers; what KFP lists no more may fire in Kubernetes still "
    "(kubectl get scheduledworkflows), and its history of runs is gone"
)


@dataclass(frozen=True)
class There:
    """What is on the server."""

    desired: Desired
    actual: Actual
    mark: str
    """The id of the mark; "": there is none."""
    lost: Collection[str]
    """Ids of the pauses that are kept, would be in force, and of which the server knows nothing."""
    anything: bool
    """Whether one object at least is marked as the environment's."""


def faults(kept: Kept, there: There) -> Iterator[Fault]:
    """A database that is another one, or an older state of the same, and the pauses that went with it."""
    environment, witness = there.desired.owner.environment, kept.witness
    if cause := _lost(kept, there):
        yield Fault(_NAME, f"{cause}; {_REST}", _APPLY)
    elif witness and (cause := _older(witness, there)):
        what = "KFP's database was restored from an older backup, or somebody deleted it by hand"
        yield Fault(_NAME, f"{cause}: {what}; apply makes good what is in the manifests", _APPLY)
    for pause in witness.pauses if witness else ():
        if pause.id in there.lost:
            yield _pause(environment, pause)


def _lost(kept: Kept, there: There) -> str:
    if there.anything or there.mark:
        if kept.memory is Memory.REBUILDING:
            return "KFP lost its database, and no apply has run through since"
        return ""
    if not kept.memory and not (kept.witness and kept.witness.mark):
        return ""
    since = f" at {_minute(kept.witness.at)}" if kept.witness else " once"
    return (
        f"nothing of {there.desired.owner.environment} is there, and it was applied{since}: KFP lost its database, or "
        "another KFP has its address"
    )


def _older(witness: Witness, there: There) -> str:
    """What was there when the lock was last held and is not now; people do not delete it by chance."""
    if witness.mark and not there.mark:
        return f"the mark of {_minute(witness.at)} is not there, and other things of ours are"
    if not witness.version or witness.mark != there.mark:  # made anew by somebody else since
        return ""
    pipeline, version = witness.version
    if not any(one.name == pipeline and one.version == version for one in there.desired.pipelines):
        return ""
    found = there.actual.pipelines.get(pipeline)
    if found and version in found.versions:
        return ""
    return f"{pipeline} had {version} at {_minute(witness.at)}, and has it no more"


def _pause(environment: str, pause: KeptPause) -> Fault:
    """One that nobody took back: that is noted on the server, too."""
    only = Selection.read(pause.only)
    about = f" ({only})" if only else ""
    why = f": {pause.why}" if pause.why else ""
    words = ["reconcile.py pause", f"--until {_second(pause.until)}", f"--by {shlex.quote(pause.by)}"]
    words += [f"--reason {shlex.quote(pause.why)}"] if pause.why else []
    return Fault(
        "pause",
        f"KFP lost that {environment} is paused{about} by {pause.by} until {_second(pause.until)}{why}; an apply "
        "with this lock sets it again first, and nobody else knows of it",
        " ".join([*words, *only.words]),
    )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
