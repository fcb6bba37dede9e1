"""A night on call, scene by scene: from the alert to its end with the commands of its page, and the state after it.

Prod fires each hour. Somebody is called by an alert of the rules that ship, follows the page that it links to, and
types at most five commands.
"""

from __future__ import annotations

import gitrepo
import pages
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from night_kit import Night

STATUS = "python scripts/reconcile.py status"
HEALTHY = "prod: 1 pipeline, 1 healthy; next firing"


def _schedule(night: Night) -> ActualSchedule:
    (found,) = night.schedules()
    return found


def test_the_server_is_down(night: Night) -> None:
    night.passes(11)
    night.server.close()
    assert "exit code 4" in night.called_by("KfpGitopsCheckFailed")["summary"]
    doctor, _ = night.follow("KfpGitopsCheckFailed", "Look", {"python scripts/doctor.py": 4})
    assert "missing  reachable" in doctor.out
    night.when("rollout restart deployment/ml-pipeline", night.start)
    night.follow("KfpGitopsCheckFailed", "Mend: KFP does not answer")
    night.passes(1)
    (status,) = night.follow("KfpGitopsCheckFailed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_a_token_is_refused(night: Night) -> None:
    night.passes(12)
    night.pods_have("for-pipelines")
    night.rights.set(["for-somebody-else"])  # the audience that KFP asks for was changed
    night.called_by("KfpGitopsCheckFailed")
    night.desk.answers({"kubectl -n kubeflow create token": "for-pipelines\n"})
    night.when("TOKEN_REVIEW_AUDIENCE=pipelines.kubeflow.org", lambda: night.rights.set(["for-pipelines"]))
    doctor, *_ = night.follow("KfpGitopsCheckFailed", "Mend: a token is refused (401)", {"KFP_TOKEN=": 1})
    assert "HTTP 401" in doctor.out
    night.variables["KFP_TOKEN"] = "for-pipelines"
    (status,) = night.follow("KfpGitopsCheckFailed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_the_database_is_lost(night: Night) -> None:
    night.passes(11)
    night.server.close()
    night.start(anew=True)
    night.passes(1)
    night.called_by("KfpGitopsServerFault")
    for alert in ("KfpGitopsServerFault", "KfpGitopsDrift"):
        assert "](database-lost.md)" in pages.read(alert).text
    unseen = "3ab1 kubeflow hello-weekly-abc12\n"
    night.desk.answers({"kubectl get scheduledworkflows": unseen})
    plan, left = night.follow("database-lost", "Look", {"python": 1})
    assert "4 create; changes in 1 of 1 pipeline" in plan.out
    assert left.out == unseen
    night.when("delete job", night.delivered)  # self-heal makes it anew
    night.follow("database-lost", "Mend", NAME="hello-weekly-abc12")
    assert [
        "kubectl",
        "-n",
        "kubeflow",
        "delete",
        "scheduledworkflow",
        "hello-weekly-abc12",
    ] in night.desk.asked()
    (status,) = night.follow("database-lost", "Afterwards")
    assert HEALTHY in status.out
    night.mended()
    assert _schedule(night).enabled


def _manifests_are_right(night: Night, planned: str) -> None:
    """From the alert about drift to mended, where what somebody did was not meant."""
    night.called_by("KfpGitopsDrift")
    (plan,) = night.follow("KfpGitopsDrift", "Look", {"python": 1})
    assert planned in plan.out
    night.follow("KfpGitopsDrift", "Mend: the manifests are right")
    (status,) = night.follow("KfpGitopsDrift", "Afterwards")
    assert HEALTHY in status.out
    night.mended()
    assert _schedule(night).enabled


def test_a_schedule_is_deleted_in_the_ui(night: Night) -> None:
    night.passes(12)
    night.api().delete_schedule(_schedule(night).id)
    _manifests_are_right(night, "create    schedule   hello-weekly")


def test_a_schedule_is_turned_off_in_the_ui(night: Night) -> None:
    night.passes(12)
    night.api().disable_schedule(_schedule(night).id)
    _manifests_are_right(night, "enabled: false → true")


def test_a_schedule_is_edited_in_the_ui(night: Night) -> None:
    """KFP cannot change one: it is deleted, and made anew with another parameter. Nobody marks that as ours."""
    night.passes(12)
    night.cloned(_schedule(night).id, {"threshold": 9})
    assert "exit code 5" in night.called_by("KfpGitopsCheckFailed")["summary"]
    doctor, _ = night.follow("KfpGitopsCheckFailed", "Look", {"python": 1})
    assert "not ours" in doctor.out
    plan, _ = night.follow(
        "KfpGitopsCheckFailed",
        "Mend: a conflict, or a guard (5)",
        {"python scripts/reconcile.py plan": 5},
        PIPELINE="hello",
    )
    assert "schedule   hello-weekly  (exists and is not marked as ours)" in plan.out
    (status,) = night.follow("KfpGitopsCheckFailed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()
    assert _schedule(night).parameters == {}


def test_a_run_hangs(night: Night) -> None:
    night.passes(7)
    run = night.hangs()
    night.passes_until_now(ends=False)
    night.called_by("KfpGitopsScheduleMissed")
    assert "](run-hangs.md)" in pages.read("KfpGitopsScheduleMissed").text
    _, shown = night.follow("run-hangs", "Look", {STATUS: 1}, RUN=run)
    assert "RUNNING" in shown.out
    night.follow("run-hangs", "Mend", RUN=run, PIPELINE="hello")
    (status,) = night.follow("run-hangs", "Afterwards")
    assert HEALTHY in status.out
    night.mended()
    assert night.api().run(run).state in ("FAILED", "CANCELED")


def test_three_firings_are_missed(night: Night) -> None:
    """KFP's controller is down for four hours, and runs the last of them itself when it is back."""
    night.passes(6.5)
    night.passes(4, fires=False)
    night.passes_until_now()
    assert "missed 3 firings" in night.called_by("KfpGitopsScheduleMissed")["summary"]
    before = {run.id for run in night.runs()}
    (status,) = night.follow("KfpGitopsScheduleMissed", "Look", {STATUS: 1})
    assert "hello-weekly  3 firings (outage)" in status.out
    night.follow("KfpGitopsScheduleMissed", "Mend")
    (status,) = night.follow("KfpGitopsScheduleMissed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()
    assert len([run for run in night.runs() if run.id not in before]) == 3


def test_a_release_is_bad(night: Night) -> None:
    night.passes(6)
    good = _schedule(night).version_id
    promoted = night.released("{{ values.name | tojson }}", "fail")
    night.passes(6)
    assert _schedule(night).version_id != good
    assert "hello in prod failed" in night.called_by("KfpGitopsRunFailed")["summary"]
    assert "](bad-release.md)" in pages.read("KfpGitopsRunFailed").text
    log, *_ = night.follow("bad-release", "Roll back", PIPELINE="hello", SCHEDULE="weekly", COMMIT=promoted)
    assert promoted[:7] in log.out and "to prod" in log.out
    night.mended()
    assert _schedule(night).version_id == good
    # What was pushed is merged, and Argo CD has nothing left to do.
    gitrepo.git(night.desk.root, "push", "-q", "origin", "HEAD:main")
    assert "nothing to do, 1 pipeline unchanged" in night.delivered().out
    night.passes(1)
    night.mended()
