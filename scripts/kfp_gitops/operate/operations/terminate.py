"""Stop runs. Done again it does no harm: what ends already, or has ended, is left as it is.

KFP sets the run to CANCELING and gives its workflow a deadline of 0 seconds; Argo stops the pods, the run becomes
FAILED, and its exit task does not run (seen on KFP 2.17.0).
"""

from __future__ import annotations

from kfp_gitops.base.errors import NotFoundError, RemoteError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.following import FINAL

AFTERWARDS = "KFP stops its pods: it is CANCELING, then FAILED, and its exit task does not run"


def terminate(api: KfpApi, run_id: str) -> str:
    """Stop a run; returns what was done, in words.

    Raises:
        NotFoundError: there is no such run.
        RemoteError: KFP did not do it.
    """
    state = api.run(run_id).state
    if state not in FINAL and state != "CANCELING":
        try:
            api.terminate_run(run_id)
        except NotFoundError:
            raise
        except RemoteError:
            # It ended meanwhile, or this was sent before and not heard: 400 to both.
            before, state = state, api.run(run_id).state
            if state == before:
                raise
        else:
            return f"is being terminated (it was {state}): {AFTERWARDS}"
    if state in FINAL:
        return f"has ended already: {state}"
    return "is being terminated already: CANCELING until its pods have stopped"
