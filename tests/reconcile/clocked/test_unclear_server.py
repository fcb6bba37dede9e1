"""A server that answers 500 to what it did all the same: nothing is started twice."""

from __future__ import annotations

import pytest
from clocked_kit import api_of, desired_of, firings_of, pass_time, pipeline_of, reconciled
from kfp_gitops.devserver import DevServer, Fault, ManualClock, Trouble
from kfp_gitops.language.manifest import Trigger


@pytest.mark.parametrize("effect", [Trouble.HIDDEN, Trouble.ANSWER])
def test_a_smoke_run_that_is_answered_with_500_is_started_once_at_most(
    server: DevServer, effect: Trouble
) -> None:
    triggered = desired_of(server, pipeline_of(1, "p", triggers=(Trigger("changed", {"n": 5}, ()),)))
    server.faults.add(Fault("POST", "/runs$", effect, nth=0, status=500))
    (failed,) = reconciled(server, triggered, api_of(server, tries=5)).failed
    assert "kubectl get workflows" in failed[1]
    assert "no apply starts it again until experiment kfp-gitops-unclear-" in failed[1]
    for _ in range(3):  # the Job is tried again, and then somebody applies
        assert not reconciled(server, triggered, api_of(server, tries=5)).failed
    posts = [
        request for request in server.requests if request.path.endswith("/runs") and request.method == "POST"
    ]
    assert len(posts) == 1
    assert _executed(server) == (effect is Trouble.HIDDEN)
    assert not api_of(server).runs_called_like("changed")


@pytest.mark.parametrize("effect", [Trouble.HIDDEN, Trouble.ANSWER])
def test_a_recurring_run_that_is_answered_with_500_is_asked_for_once_and_what_it_left_never_fires(
    server: DevServer, clock: ManualClock, effect: Trouble
) -> None:
    server.faults.add(Fault("POST", "/recurringruns$", effect, status=500))
    (failed,) = reconciled(server, desired_of(server, pipeline_of(1)), api_of(server, tries=5)).failed
    assert "kubectl get scheduledworkflows" in failed[1]
    assert not reconciled(server, desired_of(server, pipeline_of(1))).failed
    pass_time(server, clock, 910)
    server.wait_idle()
    assert len(firings_of(server)) == 3
    assert _executed(server) == 3


def _executed(server: DevServer) -> int:
    """Runs that were executed, whether a list shows them or not."""
    server.wait_idle()
    return len([path for path in (server.data_dir / "runs").glob("*") if path.is_dir()])
