"""The pages of the runbook that no scene of the night follows: each is followed where it is needed, and mends it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import gitrepo
import pages
import pytest
from night_kit import Night
from terminal_kit import Terminal

STATUS = "python scripts/reconcile.py status"
PLAN = "python scripts/reconcile.py plan"
HEALTHY = "prod: 1 pipeline, 1 healthy; next firing"


def test_no_check_has_told_anything(night: Night) -> None:
    night.passes_until_now()
    night.checks()
    for environment in ("prod", "stage"):
        told = {"kfp_gitops_last_run_timestamp_seconds": time.time() - 4 * 3600}
        night.alerts.tell(f"job/kfp_gitops/environment/{environment}/command/plan", told)
    night.called_by("KfpGitopsCheckMissing", checked=False)
    night.follow("KfpGitopsCheckMissing", "Look")
    night.follow("KfpGitopsCheckMissing", "Mend")
    night.follow("KfpGitopsCheckMissing", "Mend: there is no such environment any more", STAGE="stage")
    night.mended()


TRIGGER = "job/kfp_gitops/environment/{}/command/trigger"


def _pass(night: Night, environment: str = "prod", code: int = 0, *, hours_ago: float = 0) -> None:
    """What a pass tells the Pushgateway."""
    told = {
        "last_run_timestamp_seconds": time.time() - hours_ago * 3600,
        "period_seconds": 60,
        "exit_code": code,
    }
    night.alerts.tell(
        TRIGGER.format(environment), {f"kfp_gitops_{name}": value for name, value in told.items()}
    )


def test_nobody_looks_at_triggers(night: Night) -> None:
    night.passes_until_now()
    night.checks()
    for environment in ("prod", "stage"):
        _pass(night, environment, hours_ago=0.5)
    night.called_by("KfpGitopsTriggerMissing", checked=False)
    night.follow("KfpGitopsTriggerMissing", "Look")
    line = "python scripts/reconcile.py trigger --env prod --period 60 --patience 0 --push-gateway"
    night.when("create job", lambda: night.desk.run(f"{line} {night.alerts.gateway.url}"))
    night.follow("KfpGitopsTriggerMissing", "Mend")
    night.follow("KfpGitopsTriggerMissing", "Mend: there is no such environment any more", STAGE="stage")
    assert night.alerts.told(TRIGGER.format("stage")) == []
    (status,) = night.follow("KfpGitopsTriggerMissing", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_a_cause_was_missed(night: Night) -> None:
    night.passes_until_now()
    _pass(night)
    labels = '{pipeline="hello",trigger="after-training"}'
    told = {f"kfp_gitops_trigger_{name}{labels}": 1 for name in ("missed_causes", "unclear_runs")}
    night.alerts.tell(TRIGGER.format("prod"), told)
    night.called_by("KfpGitopsCauseMissed", checked=False)
    night.follow("KfpGitopsCauseMissed", "Look")
    upstream = night.desk.run("python scripts/run.py --env prod --pipeline hello --wait")
    (run_id,) = re.findall(r"details/([0-9a-f-]{36})", upstream.out)
    words = {"PIPELINE": "hello", "UPSTREAM_RUN": run_id, "NAME": "name", "VALUE": "world"}
    *_, ran = night.follow("KfpGitopsCauseMissed", "Mend", **words)
    assert "SUCCEEDED" in ran.out
    night.alerts.tell(TRIGGER.format("prod"), dict.fromkeys(told, 0))
    (status,) = night.follow("KfpGitopsCauseMissed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


BACKFILLS = "environments/prod/backfills"


def _asked(night: Night, text: str) -> None:
    """A backfill is merged and delivered."""
    folder = night.desk.root / BACKFILLS
    folder.mkdir()
    (folder / "yesterday.yaml").write_text(text)
    _merged(night)


def _merged(night: Night) -> None:
    line = "python scripts/render.py --env prod --lock && git add --all && git commit --quiet --message 'a change'"
    done = night.desk.run(line)
    assert done.code == 0, done
    night.desk.run("python scripts/reconcile.py apply --env prod --patience 0 --wait 20")
    night.server.wait_idle()


def _passed(night: Night) -> None:
    """A pass looks, and tells the Pushgateway; what it starts ends."""
    line = "python scripts/reconcile.py trigger --env prod --period 60 --patience 0 --push-gateway"
    done = night.desk.run(f"{line} {night.alerts.gateway.url}")
    assert done.code == 0, done
    night.server.wait_idle()


def _two_days_ago(hours: int) -> tuple[str, str]:
    """The first hours of the day before yesterday, as a range is written."""
    first = (datetime.now(UTC) - timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{first:%Y-%m-%dT%H:%M:%SZ}", f"{first + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def _backfill(hours: int) -> str:
    first, last = _two_days_ago(hours)
    return (
        f"pipeline: hello\nschedule: weekly\nfrom: '{first}'\nto: '{last}'\ntickParameter: name\n"
        "reason: its source was wrong\n"
    )


def test_firings_of_a_backfill_failed(night: Night) -> None:
    night.passes_until_now()
    night.runs_end("fail")
    _asked(night, _backfill(1))
    night.runs_end("")
    _passed(night)
    night.called_by("KfpGitopsBackfillFailed", checked=False)
    status, listed = night.follow("KfpGitopsBackfillFailed", "Look", {STATUS: 1})
    assert "hello/yesterday  1/1 done, 1 failed" in status.out
    assert "backfill of hello-weekly" in listed.out
    day = _two_days_ago(1)[0][:10]
    words = {"PIPELINE": "hello", "FIRST_DAY": day, "LAST_DAY": day}
    *_, ran = night.follow("KfpGitopsBackfillFailed", "Mend", **words)
    assert "SUCCEEDED" in ran.out
    (night.desk.root / BACKFILLS / "yesterday.yaml").unlink()
    _merged(night)
    _passed(night)
    (status,) = night.follow("KfpGitopsBackfillFailed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_a_backfill_stands_still(night: Night) -> None:
    night.passes_until_now()
    _asked(night, _backfill(2))
    base = night.desk.root / "environments/base.yaml"
    base.write_text(re.sub(r"'0 \d+ \* \* \* \*'", "'0 7 * * * *'", base.read_text()))
    _merged(night)
    _passed(night)
    night.called_by("KfpGitopsBackfillStalled", checked=False)
    status, _ = night.follow("KfpGitopsBackfillStalled", "Look", {STATUS: 1})
    assert "STUCK" in status.out
    first, last = _two_days_ago(2)
    words = {"ID": "yesterday", "NEW_ID": "once-more", "PIPELINE": "hello", "FROM": first, "TO": last}
    words |= {"PARAMETER": "name", "WHY": "its cron changed"}
    night.follow("KfpGitopsBackfillStalled", "Mend: the cron of its schedule changed", **words)
    _merged(night)
    for _ in range(2):
        _passed(night)
    (status,) = night.follow("KfpGitopsBackfillStalled", "Afterwards")
    assert "hello/once-more  2/2 done" in status.out
    night.mended()


def test_the_keys_of_the_data_that_triggers_look_at_are_wrong(night: Night) -> None:
    night.passes_until_now()
    _pass(night, code=4)
    night.called_by("KfpGitopsTriggerFailed", checked=False)
    night.desk.answers({"kubectl -n kubeflow logs": "cannot look at s3://lake/usage/: no credentials\n"})
    log, *_ = night.follow("KfpGitopsTriggerFailed", "Look")
    assert "no credentials" in log.out
    mend = night.commands("KfpGitopsTriggerFailed", "Mend: the keys of the data are wrong")
    night.typed.clear()
    for command in mend:
        night.types(command, SECRET="lake-reader")
    made = " ".join(night.desk.asked()[-1])
    assert made.startswith("kubectl -n kubeflow create secret generic lake-reader ")
    _pass(night)
    (status,) = night.follow("KfpGitopsTriggerFailed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_a_schedule_shall_stay_off(night: Night) -> None:
    night.passes_until_now()
    (schedule,) = night.schedules()
    night.api().disable_schedule(schedule.id)
    night.called_by("KfpGitopsDrift")
    night.follow("KfpGitopsDrift", "Mend: it shall stay off for a while")
    (status,) = night.follow("KfpGitopsDrift", "Afterwards")
    assert "PAUSED (1)" in status.out
    night.mended()
    assert not night.schedules()[0].enabled


def test_what_somebody_did_becomes_a_change_of_git(night: Night) -> None:
    night.passes_until_now()
    (schedule,) = night.schedules()
    night.api().disable_schedule(schedule.id)
    night.called_by("KfpGitopsDrift")
    (shown,) = night.follow("KfpGitopsDrift", "Mend: the change is right", {"python": 1})
    assert "+++ b/environments/prod/values.yaml" in shown.out
    night.types(f"{PLAN} --env prod --as-values --write")
    night.types("python scripts/render.py --env prod --lock")
    night.mended()
    assert not night.schedules()[0].enabled


@pytest.mark.parametrize("way", ["by hand", "by its Job"])
def test_an_apply_failed(night: Night, way: str) -> None:
    night.passes_until_now()
    night.server.close()
    assert night.delivered().code == 4
    night.called_by("KfpGitopsReconcileFailed", checked=False)
    night.start()
    look = night.follow("KfpGitopsReconcileFailed", "Look")
    assert [outcome.code for outcome in look] == [0, 0, 0]
    by_hand, delete = night.commands("KfpGitopsReconcileFailed", "Mend")
    night.when("delete job", night.delivered)  # self-heal makes it anew
    night.types(by_hand if way == "by hand" else delete)
    night.mended()


def test_a_run_failed_for_once(night: Night) -> None:
    night.passes(11)
    night.runs_end("fail")
    night.passes(1)
    night.runs_end("")
    night.called_by("KfpGitopsRunFailed")
    failed = night.runs()[0].id
    codes = {"python scripts/run.py --env prod --status": 4}
    listed, shown, log = night.follow("KfpGitopsRunFailed", "Look", codes, RUN=failed, TASK="greet")
    assert failed in listed.out and log.out
    assert "FAILED" in shown.out
    night.follow("KfpGitopsRunFailed", "Mend", RUN=failed)
    (status,) = night.follow("KfpGitopsRunFailed", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_no_schedule_fires_any_more(night: Night) -> None:
    night.passes(8.5)
    night.passes(3.5, fires=False)
    night.called_by("KfpGitopsServerFault")
    (status,) = night.follow("KfpGitopsServerFault", "Look", {STATUS: 1})
    assert "SERVER (1)" in status.out and "schedule controller" in status.out
    night.follow("KfpGitopsServerFault", "Mend: no schedule fires any more")
    (status,) = night.follow("KfpGitopsServerFault", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def _once_a_day(hours: float) -> str:
    """The schedule fires so many hours after the evening, and then not for a day: added to prod's values."""
    at = datetime.now(UTC) - timedelta(hours=12) + timedelta(hours=hours)
    return f"        cron: '0 {at.minute} {at.hour} * * *'\n"


def test_results_are_staler_than_promised(evening: Callable[..., Night]) -> None:
    night = evening(_once_a_day(3))
    night.passes(1)
    night.released("schedules:\n", "slo: {fresh: 6h}\nschedules:\n")
    night.passes_until_now()
    night.called_by("KfpGitopsResultStale")
    (status,) = night.follow("KfpGitopsResultStale", "Look", {STATUS: 1})
    assert "LATE (1)" in status.out
    night.follow("KfpGitopsResultStale", "Mend", PIPELINE="hello")
    (status,) = night.follow("KfpGitopsResultStale", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_a_run_takes_longer_than_promised(evening: Callable[..., Night]) -> None:
    night = evening(_once_a_day(3))
    night.released("schedules:\n", "slo: {duration: 45m}\nschedules:\n")
    run = night.goes_on("slow")
    night.passes(2, ends=False)
    night.runs_end("")
    night.passes_until_now()
    night.called_by("KfpGitopsRunSlow")
    _, shown = night.follow("KfpGitopsRunSlow", "Look", {STATUS: 1}, RUN=run)
    assert "SUCCEEDED" in shown.out
    night.follow("KfpGitopsRunSlow", "Mend", PIPELINE="hello")
    (status,) = night.follow("KfpGitopsRunSlow", "Afterwards")
    assert HEALTHY in status.out
    night.mended()


def test_a_bad_release_goes_back_though_prod_was_changed_since(night: Night) -> None:
    before = gitrepo.git(night.desk.root, "rev-parse", "HEAD")
    promoted = night.released("{{ values.name | tojson }}", "fail")
    values = night.desk.root / "environments/prod/values.yaml"
    values.write_text(values.read_text().replace("threshold: 5", "threshold: 7"))
    assert night.desk.run("python scripts/render.py --env prod --lock").code == 0
    gitrepo.commit(night.desk.root, "prod: another threshold")
    assert night.delivered().code == 0
    night.passes_until_now()
    night.called_by("KfpGitopsRunFailed")
    revert = night.commands("bad-release", "Roll back")[1]
    assert night.desk.run(revert.replace("COMMIT", promoted)).code == 1
    night.follow("bad-release", "Roll back when the revert conflicts", COMMIT=promoted)
    assert gitrepo.git(night.desk.root, "diff", before, "--", "environments/prod/release.yaml") == ""
    assert night.desk.run("python scripts/render.py --all --check").code == 0
    night.typed.clear()
    for command in night.commands("bad-release", "Roll back")[2:]:
        night.types(command, PIPELINE="hello", SCHEDULE="weekly")
    (status,) = night.follow("bad-release", "Afterwards")
    assert "release 4a7f54df8ce1" in status.out
    night.mended()


def test_the_database_is_an_older_one(night: Night) -> None:
    night.passes(4)
    night.server.close()
    backup = night.folder / "backup"
    shutil.copytree(night.server.data_dir, backup)
    night.start()
    night.released("Greets, counts", "Greets kindly, counts")
    night.passes_until_now()
    night.server.close()
    shutil.rmtree(night.server.data_dir)
    shutil.copytree(backup, night.server.data_dir)
    night.start()
    night.called_by("KfpGitopsDrift")
    (listed,) = night.schedules()
    unseen = "3ab1 kubeflow hello-weekly-abc12"
    night.desk.answers(
        {"kubectl get scheduledworkflows": f"{listed.id} kubeflow hello-weekly-xyz34\n{unseen}\n"}
    )
    plan, left = night.follow("database-lost", "Look", {"python": 1})
    assert "schedule   hello-weekly" in plan.out
    assert left.out == f"{unseen}\n"
    night.when("delete job", night.delivered)  # self-heal makes it anew
    night.follow("database-lost", "Mend", NAME="hello-weekly-abc12")
    assert night.schedules()[0].version_id != listed.version_id
    (status,) = (night.desk.run(STATUS + " --env prod"),)
    assert "DIFFERENT" not in status.out


def test_a_pause_is_lost(night: Night) -> None:
    night.passes(11)
    assert (
        night.desk.run(
            "python scripts/reconcile.py pause --env prod --until 2d --reason 'the data is moved'"
        ).code
        == 0
    )
    night.server.close()
    night.start(anew=True)
    night.passes_until_now()
    night.called_by("KfpGitopsServerFault")
    status, _ = night.follow("pause-lost", "Look", {STATUS: 1})
    assert "pause --env prod --until" in status.out
    night.follow("pause-lost", "Mend")
    assert [schedule.enabled for schedule in night.schedules()] == [False]
    (status,) = night.follow("pause-lost", "Afterwards")
    assert "PAUSED (1)" in status.out
    night.mended()


def test_two_repositories_want_one_name(night: Night) -> None:
    night.passes_until_now()
    night.server.close()
    night.start(anew=True)
    other = _as_another_repository(night)
    assert night.delivered().code == 0
    other(False)
    night.called_by("KfpGitopsCheckFailed")
    (plan,) = night.follow("two-owners", "Look", {"python": 5})
    assert "another-repository" in plan.out + plan.err
    other(True)
    values = night.desk.root / "environments/prod/values.yaml"
    kept = values.read_text()
    values.write_text(kept[: kept.index("  hello:")] + "  hello: {state: absent, delete: pipeline}\n")
    assert night.desk.run("python scripts/render.py --env prod --lock").code == 0
    assert night.desk.run("python scripts/reconcile.py apply --env prod --allow-empty").code == 0
    values.write_text(kept)
    other(False)
    (experiment,) = night.api().experiments_like("hello-prod")
    night.follow("two-owners", "Mend: two repositories", EXPERIMENT_ID=experiment.id)
    night.follow("two-owners", "Afterwards")
    night.mended()


def _as_another_repository(night: Night) -> Callable[[bool], None]:
    """`other(True)`: the clone is another repository's; `other(False)`: it is ours again."""

    def be(another: bool) -> None:
        base = night.desk.root / "environments/base.yaml"
        text = base.read_text()
        ids = ("example-repository", "another-repository")
        base.write_text(text.replace(f"id: {ids[not another]}", f"id: {ids[another]}"))
        assert night.desk.run("python scripts/render.py --env prod --lock").code == 0

    be(True)
    return be


def test_two_deliveries_turn_each_other_round(night: Night) -> None:
    night.passes_until_now()
    values = night.desk.root / "environments/prod/values.yaml"
    ours = values.read_text()
    values.write_text(
        ours.replace("threshold: 5", "threshold: 6")
    )  # the branch that the other Argo CD follows
    assert night.desk.run("python scripts/render.py --env prod --lock").code == 0
    assert night.delivered().code == 0
    values.write_text(ours)
    assert night.desk.run("python scripts/render.py --env prod --lock").code == 0
    night.called_by("KfpGitopsDrift")
    night.follow("two-owners", "Look", {"python": 1})
    night.follow("two-owners", "Mend: two deliveries of one repository", ID="example-repository")
    assert ["argocd", "app", "set", "example-repository-prod", "--sync-policy", "none"] in night.desk.asked()
    night.checks()
    assert night.alerts.wait(lambda firing: not firing) == {}
    night.typed.clear()
    night.follow("two-owners", "Afterwards")


def test_kfp_is_upgraded(night: Night) -> None:
    night.passes(10)
    night.follow("upgrade-kfp", "Before")
    assert [schedule.enabled for schedule in night.schedules()] == [False]
    night.passes_until_now()
    doctor, _, resumed, status = night.follow("upgrade-kfp", "Afterwards")
    assert "missing" not in doctor.out
    assert "--backfill --held" in resumed.out + resumed.err
    assert "2 firings" in status.out and "1 healthy, 1 held" in status.out
    night.mended()
    assert [schedule.enabled for schedule in night.schedules()] == [True]


def test_the_gauges_of_a_place_that_was_given_up_are_deleted(night: Night) -> None:
    group = "job/predictive-scaling/environment/prod/namespace/shop/service/checkout"
    night.alerts.tell(group, {"predictive_scaling_valid_until_seconds": 1.0})
    assert night.alerts.told(group) != []
    night.follow("../scaling-alerts", "PredictiveScalingRecommendationStale")
    assert night.alerts.told(group) == []


@pytest.mark.parametrize("page", ["README", "../scaling-alerts", *pages.names()])
def test_what_a_page_says_of_kubectl_and_argocd_beside_its_commands_is_understood(
    desk: Terminal, page: str
) -> None:
    desk.clean()
    for line in pages.beside((pages.FOLDER / f"{page}.md").read_text("utf-8")):
        done = desk.run(line)
        assert done.code == 0, (line, done.err)
