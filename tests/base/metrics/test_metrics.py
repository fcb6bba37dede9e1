"""What commands tell a real Pushgateway, and the alerts on it by promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml
from kfp_gitops.base import metrics
from kfp_gitops.base.errors import UsageError
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import HERE, PROJECT, Outcome
from prometheus_client.parser import text_string_to_metric_families
from servers.process import program
from servers.prometheus import PushgatewayServer

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
BACKFILL = """pipeline: hello
cron: 0 0 0 * * *
from: '2026-01-01'
to: '2026-01-05'
tickParameter: name
reason: the names of January were wrong
"""
RULES = PROJECT / "docs/prometheus/kfp-gitops-rules.yaml"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushgatewayServer]:
    found = PushgatewayServer(tmp_path_factory.mktemp("gateway"))
    found.start()
    yield found
    found.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, faults=Faults()) as found:
        yield found


def _told(gateway: PushgatewayServer) -> dict[str, float]:
    """Name and labels, without job and instance → value."""
    found = {}
    for family in text_string_to_metric_families(requests.get(f"{gateway.url}/metrics", timeout=60).text):
        for sample in family.samples:
            labels = {
                name: value
                for name, value in sorted(sample.labels.items())
                if name not in ("job", "instance")
            }
            shown = ",".join(f'{name}="{value}"' for name, value in labels.items())
            found[f"{sample.name}{{{shown}}}"] = sample.value
    return found


def test_plan_and_apply_tell_what_they_found_and_how_it_went(
    repository: Path, command: Callable[..., Outcome], server: DevServer, gateway: PushgatewayServer
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--push-gateway", gateway.url, "--host")
    assert command("reconcile", "plan", *common, server.url).code == 1
    told = _told(gateway)
    assert told['kfp_gitops_drift_objects{command="plan",environment="dev"}'] == 4
    assert told['kfp_gitops_exit_code{command="plan",environment="dev"}'] == 1
    assert command("reconcile", "apply", *common, server.url).code == 0
    assert command("reconcile", "plan", *common, server.url).code == 0
    told = _told(gateway)
    assert told['kfp_gitops_drift_objects{command="plan",environment="dev"}'] == 0
    created = {name: value for name, value in told.items() if 'action="create"' in name and '"apply"' in name}
    assert sum(created.values()) == 4
    assert told['kfp_gitops_duration_seconds{command="apply",environment="dev"}'] > 0


def test_an_apply_tells_how_much_has_moved_since_its_plan(
    repository: Path,
    command: Callable[..., Outcome],
    server: DevServer,
    gateway: PushgatewayServer,
    tmp_path: Path,
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--push-gateway", gateway.url, "--host", server.url)
    plan = tmp_path / "plan"
    assert command("reconcile", "plan", *common, "--out", plan).code == 1
    KfpApi(server.url, "").create_pipeline("hello", "by hand")
    assert command("reconcile", "apply", *common, "--plan", plan).code == 5
    moved = 'kfp_gitops_moved_objects{command="apply",environment="dev"}'
    assert _told(gateway)[moved] >= 1
    assert _told(gateway)['kfp_gitops_exit_code{command="apply",environment="dev"}'] == 5


def test_what_is_no_longer_missed_or_failed_is_cleared_and_a_failure_clears_nothing(
    gateway: PushgatewayServer,
) -> None:
    found = metrics.Report(
        "kept", "status", missed={("hello", "nightly"): 2}, failed={"hello": True}, drift=3
    )
    assert metrics.push(gateway.url, found, 1) is None
    assert metrics.push(gateway.url, metrics.Report("kept", "status"), 4) is None
    told = {name: value for name, value in _told(gateway).items() if 'environment="kept"' in name}
    labels = 'command="status",environment="kept"'
    assert told[f'kfp_gitops_missed_firings{{{labels},pipeline="hello",schedule="nightly"}}'] == 2
    assert told[f"kfp_gitops_last_success_timestamp_seconds{{{labels}}}"] > 0
    assert metrics.push(gateway.url, metrics.Report("kept", "status", drift=0), 0) is None
    left = {name.partition("{")[0] for name in _told(gateway) if 'environment="kept"' in name}
    assert left.isdisjoint({"kfp_gitops_missed_firings", "kfp_gitops_last_run_failed"})
    assert "kfp_gitops_last_success_timestamp_seconds" in left


def test_the_team_of_a_pipeline_is_a_label_where_there_are_teams(gateway: PushgatewayServer) -> None:
    """Beside the pipeline's own, so there is no series more; without teams nothing is as it was not."""
    failed, missed = {"churn-daily": True, "hello": False}, {("churn-daily", "nightly"): 2}
    for whose in ({"churn-daily": "churn", "hello": ""}, {"churn-daily": "", "hello": ""}):
        found = metrics.Report("teams", "status", failed=failed, missed=missed, teams=whose)
        assert metrics.push(gateway.url, found, 0) is None
        told = {name for name in _told(gateway) if 'environment="teams"' in name}
        label = ',team="churn"' if whose["churn-daily"] else ""
        labels = 'command="status",environment="teams",pipeline="churn-daily"'
        assert f"kfp_gitops_last_run_failed{{{labels}{label}}}" in told
        assert f'kfp_gitops_missed_firings{{{labels},schedule="nightly"{label}}}' in told
        assert sum(name.startswith("kfp_gitops_last_run_failed") for name in told) == 2


def test_status_tells_what_is_promised_and_that_it_is_kept(
    repository: Path, command: Callable[..., Outcome], server: DevServer, gateway: PushgatewayServer
) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(f"{template.read_text().rstrip()}\nslo: {{fresh: 26h, duration: 45m}}\n")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *common).code == 0
    assert command("run", *common, "--pipeline", "hello", "--wait").code == 0
    assert command("reconcile", "status", *common, "--push-gateway", gateway.url).code == 0
    told, labels = _told(gateway), 'command="status",environment="dev",pipeline="hello"'
    assert told[f"kfp_gitops_slo_fresh_seconds{{{labels}}}"] == 26 * 3600
    assert told[f"kfp_gitops_slo_duration_seconds{{{labels}}}"] == 45 * 60
    ended = told[f"kfp_gitops_pipeline_last_success_timestamp_seconds{{{labels}}}"]
    assert 0 <= time.time() - ended < 60
    assert 0 <= told[f"kfp_gitops_pipeline_duration_seconds{{{labels}}}"] < 60
    for slo in ("fresh", "duration"):
        assert told[f'kfp_gitops_slo_broken{{{labels},slo="{slo}"}}'] == 0


def test_what_is_promised_and_kept_is_told_and_of_what_promises_nothing_there_is_nothing(
    gateway: PushgatewayServer,
) -> None:
    promises = {
        "p": metrics.Promised(93600, 2700, 1_790_000_000, 600, frozenset({"fresh"})),
        "q": metrics.Promised(None, 60, None, None, frozenset()),
    }
    found = metrics.Report("slo", "status", promises=promises, failed={"p": False, "q": False, "r": False})
    assert metrics.push(gateway.url, found, 1) is None
    told = {name: value for name, value in _told(gateway).items() if 'environment="slo"' in name}
    own = {name.replace('command="status",environment="slo",', ""): told[name] for name in told}
    assert {name: own[name] for name in own if "slo_" in name or "_pipeline_" in name} == {
        'kfp_gitops_slo_fresh_seconds{pipeline="p"}': 93600,
        'kfp_gitops_slo_duration_seconds{pipeline="p"}': 2700,
        'kfp_gitops_slo_duration_seconds{pipeline="q"}': 60,
        'kfp_gitops_pipeline_last_success_timestamp_seconds{pipeline="p"}': 1_790_000_000,
        'kfp_gitops_pipeline_duration_seconds{pipeline="p"}': 600,
        'kfp_gitops_slo_broken{pipeline="p",slo="fresh"}': 1,
        'kfp_gitops_slo_broken{pipeline="p",slo="duration"}': 0,
        'kfp_gitops_slo_broken{pipeline="q",slo="duration"}': 0,
    }


@pytest.mark.usefixtures("impatient")
def test_a_failure_keeps_the_time_of_the_last_success(
    repository: Path, command: Callable[..., Outcome], server: DevServer, gateway: PushgatewayServer
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--push-gateway", gateway.url, "--host")
    assert command("reconcile", "apply", *common, server.url).code == 0
    succeeded = 'kfp_gitops_last_success_timestamp_seconds{command="apply",environment="dev"}'
    before = _told(gateway)
    assert command("reconcile", "apply", *common, "http://127.0.0.1:9").code == 4
    after = _told(gateway)
    assert after['kfp_gitops_exit_code{command="apply",environment="dev"}'] == 4
    assert after[succeeded] == before[succeeded]


def test_a_gateway_that_is_not_there_is_said_and_fails_nothing(
    repository: Path, command: Callable[..., Outcome], server: DevServer
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    outcome = command("reconcile", "plan", *common, "--push-gateway", "http://127.0.0.1:9")
    assert outcome.code == 1
    assert "could not be pushed" in outcome.err


@pytest.mark.parametrize(
    "url",
    [
        "gateway:9091",
        "ftp://gateway",
        "http://user:hunter2@gateway:9091",
        "http://[gateway",
        "http://gateway:x",
    ],
)
def test_an_address_that_is_none_is_bad_usage_and_its_password_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        metrics.checked(url)
    assert "hunter2" not in str(caught.value)


def test_what_was_found_of_an_environment_that_is_turned_off_is_no_alarm_for_ever(
    repository: Path, command: Callable[..., Outcome], server: DevServer, gateway: PushgatewayServer
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--push-gateway", gateway.url, "--host", server.url)
    for what, code in (("plan", 1), ("apply", 0), ("status", 0)):
        assert command("reconcile", what, *common).code == code
    assert command("reconcile", "disable", *common).code == 0
    left = {name for name in _told(gateway) if 'environment="dev"' in name}
    assert left and all('command="disable"' in name for name in left), left


def _passed(gateway: PushgatewayServer) -> bool:
    """Whether the Pushgateway still has what a pass over triggers told."""
    return any('command="trigger"' in name for name in _told(gateway))


@pytest.mark.parametrize("waits", ["trigger", "backfill", ""])
def test_what_a_pass_told_goes_with_the_last_trigger_or_backfill_and_not_before(
    repository: Path,
    command: Callable[..., Outcome],
    server: DevServer,
    gateway: PushgatewayServer,
    waits: str,
) -> None:
    if waits == "backfill":
        file = repository / "environments/dev/backfills/january.yaml"
        file.parent.mkdir()
        file.write_text(BACKFILL, "utf-8")
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    trigger = "{name: news, runOn: {data: {uri: 's3://lake/usage', changes: etag}}}"
    trigger = trigger if waits == "trigger" else ""
    template.write_text(f"{template.read_text('utf-8').rstrip()}\ntriggers: [{trigger}]\n", "utf-8")
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text("utf-8").replace("pipelines:\n", "  data: {}\npipelines:\n", 1), "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert metrics.push(gateway.url, metrics.Report("dev", "trigger", period=60), 0) is None
    assert _told(gateway)['kfp_gitops_period_seconds{command="trigger",environment="dev"}'] == 60
    common = ("--root", repository, "--env", "dev", "--push-gateway", gateway.url, "--host", server.url)
    assert command("reconcile", "apply", *common).code == 0
    assert _passed(gateway) == bool(waits)
    assert metrics.push(gateway.url, metrics.Report("dev", "trigger"), 0) is None
    assert command("reconcile", "disable", *common).code == 0
    assert not _passed(gateway)


def test_a_pass_tells_of_backfills_until_they_are_deleted_or_finished(
    repository: Path, command: Callable[..., Outcome], server: DevServer, gateway: PushgatewayServer
) -> None:
    file = repository / "environments/dev/backfills/january.yaml"
    file.parent.mkdir()
    file.write_text(BACKFILL, "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    pushed = ("trigger", *common, "--push-gateway", gateway.url)
    assert command("reconcile", *pushed).code == 0  # nothing is registered, so it waits
    labels = '{backfill="january",command="trigger",environment="dev",pipeline="hello"}'
    told = {name: value for name, value in _told(gateway).items() if "backfill" in name}
    assert told == {
        f"kfp_gitops_backfill_{name}{labels}": value
        for name, value in {
            "firings": 5,
            "done_firings": 0,
            "running_firings": 0,
            "failed_firings": 0,
            "unclear_runs": 0,
            "stalled": 0,
        }.items()
    }
    file.unlink()
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert command("reconcile", *pushed).code == 0
    assert not any("backfill" in name for name in _told(gateway))


# alerts and their pages


def _alerts() -> dict[str, dict[str, dict[str, str]]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_rules_do_what_their_tests_say(tmp_path: Path) -> None:
    tests = HERE / "base/metrics/kfp_gitops_rules.test.yaml"
    shutil.copy(RULES, tmp_path)
    scenario = yaml.safe_load(tests.read_text())
    for checked in (each for test in scenario["tests"] for each in test.get("alert_rule_test", [])):
        fixed = {
            name: text
            for name, text in _alerts()[checked["alertname"]]["annotations"].items()
            if "{{" not in text
        }
        for expected in checked.get("exp_alerts", []):
            expected["exp_annotations"] = fixed | expected["exp_annotations"]
    (tmp_path / tests.name).write_text(yaml.safe_dump(scenario, sort_keys=False))
    for arguments in (["check", "rules", RULES.name], ["test", "rules", tests.name]):
        done = subprocess.run(
            [program("promtool"), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in _alerts() if f"alertname: {name}" not in tests.read_text()] == []


def test_every_metric_of_an_alert_is_one_that_we_tell() -> None:
    source = Path(metrics.__file__).read_text()
    for name, rule in _alerts().items():
        for metric in re.findall(r"kfp_gitops_(\w+)", str(rule["expr"])):
            assert f'"{metric}"' in source, f"{name}: nobody tells {metric}"
