"""The states a run passes, and their record in `state_history`."""

from __future__ import annotations

from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.records import Json, Run
from kfp_gitops.devserver.store import Store


def status(moment: int, state: str, error: str = "") -> Json:
    """A RuntimeStatus of the API."""
    entry: Json = {"update_time": rfc3339(moment), "state": state}
    return entry | ({"error": {"code": 2, "message": error, "details": []}} if error else {})


def pass_to(store: Store, run: Run, state: str, moment: int, error: str = "", *, ours: bool = False) -> None:
    """Move a run to its next state; a final one gets its time and its error.

    The API tells the error of a run only if it is `ours`, of this machine: a pipeline that fails leaves none there, as
    on the real server, where its tasks tell.
    """
    history = [*run.state_history, status(moment, state, error if ours else "")]
    changes: Json = {"state": state, "state_history": history}
    if state not in ("PENDING", "RUNNING", "CANCELING"):
        changes |= {"finished": moment}
    if error:
        changes |= {"error": error}
    store.runs.update(run.id, **changes)
