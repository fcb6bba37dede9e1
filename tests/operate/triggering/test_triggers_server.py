"""`reconcile.py trigger` against the development server over real HTTP, with the real client and real processes."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
from chained import Chained
from kfp_gitops.base.schema import named
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver import ownership
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.causes import statetext
from prometheus_client.parser import text_string_to_metric_families
from servers.prometheus import PushgatewayServer

_RUNS = r"/runs$"


def test_a_run_upstream_starts_one_and_no_second(chained: Chained) -> None:
    assert chained.trigger().code == 0
    first = chained.hello()
    told = chained.trigger()
    assert told.code == 0
    assert f"after run {first.name}" in told.out
    assert "dev: 1 run started" in told.out.splitlines()[-1]
    (run,) = chained.ended("follows")
    assert run.parameters == {"name": first.id}
    assert ownership.facts(run.description) == {
        "trigger": "after-hello", "cause": first.id, "upstream": first.name,
    }  # fmt: skip
    assert "dev: 0 runs started" in chained.trigger().out
    chained.hello()
    assert chained.trigger().code == 0
    assert len(chained.ended("follows")) == 2


def test_what_ended_between_the_apply_and_the_first_pass_counts(chained: Chained) -> None:
    chained.hello()
    assert chained.trigger().code == 0
    assert len(chained.runs("follows")) == 1


def test_a_few_requests_whatever_happens(chained: Chained, server: DevServer) -> None:
    chained.hello()
    chained.trigger()
    server.faults.clear()
    chained.trigger()
    asked = [f"{one.method} {one.path.rpartition('/')[2]}" for one in server.faults.requests]
    assert sorted(asked) == ["GET experiments", "GET pipelines", "GET runs", "GET runs"]


def test_machines_get_lines_of_json(chained: Chained, tmp_path: Path) -> None:
    first = chained.hello()
    told = chained.trigger("--json", "--termination-log", tmp_path / "last").out
    *steps, last = map(json.loads, told.splitlines())
    (step,) = steps
    named("step").validator.validate(step)
    named("pass").validator.validate(last)
    assert json.loads((tmp_path / "last").read_text()) == last
    assert (step["action"], step["kind"], step["pipeline"], step["outcome"]) == (
        "start", "run", "follows", "done",
    )  # fmt: skip
    assert step["detail"] == f"after run {first.name}"
    assert (last["environment"], last["started"], last["waiting"], last["failed"]) == ("dev", 1, [], [])


def test_paused_it_starts_nothing_and_what_ended_then_is_missed(chained: Chained) -> None:
    chained.trigger()
    paused = chained.command("reconcile", "pause", *chained.target, "--until", "8h")
    assert paused.code == 0, paused
    time.sleep(1.1)  # what ends in the second in which it begins is not held back by it
    chained.hello()
    assert "1 missed" in chained.trigger().out
    assert chained.command("reconcile", "resume", *chained.target).code == 0
    assert "dev: 0 runs started" in chained.trigger().out
    chained.hello()
    assert "dev: 1 run started" in chained.trigger().out


def test_a_pushgateway_is_told_what_waits_and_what_was_held_back_is_no_alarm(
    chained: Chained, tmp_path: Path
) -> None:
    gateway = PushgatewayServer(tmp_path)
    gateway.start()
    try:
        chained.trigger("--push-gateway", gateway.url)
        chained.command("reconcile", "pause", *chained.target, "--until", "8h")
        time.sleep(1.1)
        chained.hello()
        chained.trigger("--push-gateway", gateway.url)
        text = requests.get(f"{gateway.url}/metrics", timeout=60).text
    finally:
        gateway.kill()
    told = {
        (sample.name, sample.labels.get("trigger")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("command") == "trigger" and sample.labels.get("kind", "run") == "run"
    }
    assert told["kfp_gitops_trigger_missed_causes", "after-hello"] == 0
    assert told["kfp_gitops_trigger_waiting_causes", "after-hello"] == 0
    assert told["kfp_gitops_trigger_unknown", "after-hello"] == 0
    assert told["kfp_gitops_exit_code", None] == 0
    assert told["kfp_gitops_last_success_timestamp_seconds", None] > time.time() - 600


def test_killed_while_its_request_is_under_way_it_starts_no_second(
    chained: Chained, server: DevServer
) -> None:
    chained.hello()
    server.faults.add(Fault("POST", _RUNS, Trouble.DELAY, seconds=2.0))
    process = chained.process()
    key = (server.url, "", "example-repository", "dev", "triggers")
    end = time.monotonic() + 60
    while not any(count for _, count in server.faults._seen):  # its request has arrived, and is handled late
        assert time.monotonic() < end
        time.sleep(0.02)
    kept = statetext.read(locking.peek(None, key).text)
    assert kept
    assert kept.intents
    process.send_signal(signal.SIGKILL)
    process.communicate()
    told = chained.trigger()  # at once: the request may be on its way
    assert told.code == 0, told
    time.sleep(2.5)
    chained.trigger()
    assert len(chained.runs("follows")) == 1


@pytest.mark.parametrize(("trouble", "status"), [(Trouble.DROP_AFTER, 0), (Trouble.ANSWER, 429)])
def test_a_request_that_breaks_starts_one_all_the_same(
    chained: Chained, server: DevServer, trouble: Trouble, status: int
) -> None:
    chained.hello()
    server.faults.add(Fault("POST", _RUNS, trouble, status=status))
    for _ in range(3):
        chained.trigger()
    assert len(chained.runs("follows")) == 1


def test_a_request_that_is_refused_is_told_and_sent_again_by_the_next_pass(
    chained: Chained, server: DevServer
) -> None:
    chained.hello()
    server.faults.add(Fault("POST", _RUNS, Trouble.ANSWER, status=403))
    told = chained.trigger("--json")
    assert told.code == 4
    assert len(json.loads(told.out.splitlines()[-1])["waiting"]) == 1
    assert "1 run started" in chained.trigger().out
    assert len(chained.runs("follows")) == 1


def test_two_passes_at_once_start_one(chained: Chained) -> None:
    chained.hello()
    both = [chained.process(), chained.process()]
    outs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("1 run started" in out for out in outs) == [False, True]
    assert len(chained.runs("follows")) == 1


def by_trigger(chained: Chained) -> dict[str, int]:
    """Trigger → how many runs it has started."""
    return Counter(str(ownership.facts(run.description)["trigger"]) for run in chained.ended("follows"))


def test_a_run_that_is_retried_is_one_cause_however_it_ends(chained: Chained) -> None:
    chained.after_each_end()
    chained.behave("fail")
    upstream = chained.hello()
    chained.behave("succeed")
    assert "dev: 2 runs started" in chained.trigger().out
    assert by_trigger(chained) == {"on-failure": 1, "on-end": 1}
    chained.retry(upstream, "fail")
    assert "dev: 0 runs started" in chained.trigger().out
    chained.retry(upstream, "succeed")
    assert [(run.id, run.state) for run in chained.runs("hello")] == [(upstream.id, "SUCCEEDED")]
    for _ in range(2):
        chained.trigger()
    assert by_trigger(chained) == {"on-failure": 1, "on-end": 1, "after-hello": 1}


def test_one_that_was_terminated_and_retried_fails_by_itself(chained: Chained) -> None:
    chained.after_each_end()
    chained.behave("hang")
    assert chained.command("run", *chained.target, "--pipeline", "hello").code == 0
    (upstream,) = chained.runs("hello")
    chained.ask(upstream, "terminate")
    chained.ended("hello")
    chained.behave("succeed")
    chained.trigger()
    assert by_trigger(chained) == {"on-end": 1}
    chained.retry(upstream, "fail")
    chained.trigger()
    assert by_trigger(chained) == {"on-end": 1, "on-failure": 1}


@pytest.mark.parametrize("then", ["fail", "succeed"])
def test_retried_between_the_look_and_the_start_it_is_one_cause(
    chained: Chained, server: DevServer, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """The pass has seen it FAILED, and it goes on before the first run is started."""
    chained.after_each_end()
    chained.behave("fail")
    upstream = chained.hello()
    chained.behave("succeed")
    claim, retried = server.faults.claim, list[str]()

    def first(method: str, path: str) -> Fault | None:
        if method == "POST" and path.endswith("/runs") and not retried:
            retried.append(path)
            chained.retry(upstream, then)
        return claim(method, path)

    monkeypatch.setattr(server.faults, "claim", first)
    for _ in range(3):
        assert chained.trigger().code == 0
    assert retried
    succeeded = {"after-hello": 1} if then == "succeed" else {}
    assert by_trigger(chained) == {"on-failure": 1, "on-end": 1, **succeeded}


def test_every_few_seconds_until_somebody_ends_it(chained: Chained) -> None:
    process = chained.process("--every", "5s")
    assert process.stdout
    assert "dev: 0 runs started" in process.stdout.readline()
    chained.hello()
    assert "start run follows-after-hello-" in process.stdout.readline()
    assert "dev: 1 run started" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_an_answer_of_500_is_told_and_nothing_is_sent_again(chained: Chained, server: DevServer) -> None:
    chained.hello()
    server.faults.add(Fault("POST", _RUNS, Trouble.HIDDEN))
    told = chained.trigger()
    assert told.code == 4
    assert "no apply starts it again until experiment kfp-gitops-unclear-" in told.out
    assert chained.trigger().code == 0
    assert [one.method for one in server.faults.requests if one.path.endswith("/runs")].count("POST") == 2


def test_where_it_is_not_registered_yet_it_waits(chained: Chained) -> None:
    chained.trigger()
    template = chained.repository / "templates/pipelines/follows/pipeline.yaml.j2"
    template.write_text(
        template.read_text().replace("component: greet\n", "component: greet\n      retry: {count: 1}\n")
    )
    chained.render()
    chained.hello()
    told = chained.trigger("--json")
    assert told.code == 0
    (waits,) = json.loads(told.out.splitlines()[-1])["waiting"]
    assert "is not registered yet; an apply does it" in waits
    assert chained.command("reconcile", "apply", *chained.target).code == 0
    assert "dev: 1 run started" in chained.trigger().out


def test_a_server_that_does_not_answer_fails_the_pass(chained: Chained, server: DevServer) -> None:
    server.faults.add(Fault("GET", _RUNS, Trouble.ANSWER, nth=0, status=500))
    assert chained.trigger("--patience", "0").code == 4
