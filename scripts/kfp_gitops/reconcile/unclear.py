"""Runs that KFP may have started although it lists none: noted on the server, so that no apply starts them again.

KFP starts a run's Workflow before it stores the run (`kfpapi.writes`). When that was not answered clearly the run may
be on its way, and its name is in no list. The note is an experiment without runs, for KFP has nothing else that holds
a text of ours on every version. A person archives it when the matter is settled; then the run is owed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment, ActualRun
from kfp_gitops.kfpserver.ownership import Owner

PREFIX = "kfp-gitops-unclear-"
STATE = "UNCLEAR"
"""Of a run that is known from a note alone."""
_MOST = 255
"""Characters of an experiment's description (VARCHAR)."""


def runs(owner: Owner, experiments: Mapping[str, ActualExperiment]) -> Iterator[ActualRun]:
    """The noted runs of an owner, in the order of their names."""
    for name, found in sorted(experiments.items()):
        if name.startswith(PREFIX) and found.owner == owner and not found.archived and "run" in found.facts:
            yield ActualRun(found.id, found.facts["run"], STATE)


class Noting(Protocol):
    """Where notes are left."""

    def create_experiment(self, name: str, description: str) -> ActualExperiment: ...
    def unarchive_experiment(self, experiment_id: str) -> None: ...


def note(api: Noting, owner: Owner, run: str) -> str:
    """Leave the note; what came of it, in words that go after the failure."""
    return noted(api, owner, run)[1]


def noted(api: Noting, owner: Owner, run: str) -> tuple[bool, str]:
    """The same, and whether it is there now."""
    name = note_name(owner, run)
    try:
        left = api.create_experiment(name, ownership.describe(owner, run=run)[:_MOST])
        if left.owner != owner:
            why = f"this could not be noted (experiment {name} is not ours), so the next apply would start it again"
            return False, f"; {why}"
        if left.archived:  # of a time before, which somebody has settled
            api.unarchive_experiment(left.id)
    except RemoteError as error:
        return (
            False,
            f"; this could not be noted ({error}), so the next apply would start it again: look first",
        )
    return True, f"; no apply starts it again until experiment {name} is archived in KFP"


def note_name(owner: Owner, run: str) -> str:
    """One for each run of an environment, short whatever the run is called."""
    text = "\0".join((owner.repository, owner.environment, run))
    return f"{PREFIX}{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def told(owner: Owner, experiments: Mapping[str, ActualExperiment]) -> Iterator[str]:
    """For people who read a plan."""
    for run in runs(owner, experiments):
        yield (
            f"run {run.name} may have run without KFP listing it, and is not started again; settle it, then archive "
            f"experiment {note_name(owner, run.name)} in KFP and apply, or start one with run.py"
        )
