"""What only a cluster can show: CronJobs, two Jobs at once, SIGTERM, a dead holder, tokens, an approval, an end."""

from __future__ import annotations

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml
from deliver import apply_job, deliver, sync
from kube import Document, Failed, tell, until, watched
from place import PUSHGATEWAY_PORT, address, host, repository_path, script, serve, space_of, state
from shown_fleet import fleet

_LATENCY = 2.0
"""Seconds: long enough that a pod is still at work when it is met."""


def more() -> None:
    """CronJobs, a trigger, two Jobs, SIGTERM, a dead holder, tokens, an approved plan, an environment off, a fleet."""
    checks = (
        _drift,
        _status,
        _triggered,
        _tokens,
        _two_at_once,
        _terminated,
        _dead_holder,
        _approved,
        _disabled,
        fleet,
    )
    for check in checks:
        check()


def _drift() -> None:
    space = space_of("prod")
    space.completed(space.start_now("kfp-gitops-prod-drift", "drift-none"))
    tell("drift: nothing, exit 0")
    schedule = _first_enabled("prod")
    _kfp("prod", "POST", f"/recurringruns/{schedule['recurring_run_id']}:disable")
    job = space.start_now("kfp-gitops-prod-drift", "drift-some")
    _expect("the drift check of a schedule that somebody turned off", space.ended(job), "Failed")
    _expect("its exit code", space.exit_code(job), 1)
    tell("drift: a schedule was turned off by hand, exit 1")
    space.completed(space.start(apply_job("prod"), "repair"))
    space.completed(space.start_now("kfp-gitops-prod-drift", "drift-repaired"))
    tell("drift: repaired by apply, exit 0")


def _status() -> None:
    space = space_of("prod")
    space.completed(space.start_now("kfp-gitops-prod-status", "status-now"))
    with urllib.request.urlopen(f"http://{address()}:{PUSHGATEWAY_PORT}/metrics", timeout=10) as answer:
        series = [line for line in answer.read().decode().splitlines() if line.startswith("kfp_gitops")]
    if not series:
        raise Failed("the Pushgateway has no series of ours")
    tell(f"status: {len(series)} series at the Pushgateway")


_UPSTREAM, _DOWNSTREAM = "predictive-scaling", "predictive-scaling-forecast"
_SAMPLE = "components/src/predictive_scaling/sample/smd_servers_5min.csv.gz"
_PASSES = 150
"""Seconds in which the CronJob of the triggers looks twice."""


def _triggered() -> None:
    """A run that succeeded starts one of what runs after it: by the CronJob, whose looks are each minute, once."""
    before = set(_started_by_trigger())
    parameters = {
        "data_source": str(repository_path() / _SAMPLE),
        "now_override": "2024-02-02T22:00:00Z",  # the sample ends then
        "registry": str(state() / "registry"),
        "candidates": ["last"],
    }
    run = _run("dev", _UPSTREAM, parameters)
    path = f"/runs/{run}"
    until(f"the end of {_UPSTREAM}", lambda: _kfp("dev", "GET", path)["state"] == "SUCCEEDED", 300)
    begun = time.monotonic()
    until("the run that the trigger starts", lambda: set(_started_by_trigger()) - before, _PASSES)
    took = time.monotonic() - begun
    time.sleep(_PASSES)  # what would start a second one has looked by then
    _expect("runs that the trigger started", len(set(_started_by_trigger()) - before), 1)
    space = space_of("dev")
    job = space.completed(space.start_now("kfp-gitops-dev-trigger", "trigger-now"))
    _expect("one more look starts nothing", "dev: 0 runs started" in job, True)
    _expect("the holder of the triggers' Lease", space.holder("kfp-gitops-dev-triggers"), "")
    tell(f"trigger: {_DOWNSTREAM} was started {took:.0f} s after {_UPSTREAM} had succeeded, once")


def _run(env: str, pipeline: str, parameters: Document) -> str:
    """Its id. By KFP's API: `run.py` takes a file of this machine only where KFP is on its loopback."""
    (found,) = [
        one for one in _kfp(env, "GET", "/pipelines?page_size=200")["pipelines"] if one["name"] == pipeline
    ]
    path = f"/pipelines/{found['pipeline_id']}/versions?sort_by=created_at%20desc"
    version = _kfp(env, "GET", path)["pipeline_versions"][0]
    reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
    config = {"parameters": parameters}
    body = {"display_name": "by-hand", "pipeline_version_reference": reference, "runtime_config": config}
    run: str = _kfp(env, "POST", "/runs", body)["run_id"]
    return run


def _started_by_trigger() -> list[str]:
    runs: list[Document] = _kfp("dev", "GET", "/runs?page_size=200").get("runs", [])
    return [run["run_id"] for run in runs if run["display_name"].startswith(f"{_DOWNSTREAM}-new-models-")]


_CLAIMS = """
import base64, json, os, pathlib
for path in (os.environ["KF_PIPELINES_SA_TOKEN_PATH"], "/var/run/secrets/kubernetes.io/serviceaccount/token"):
    payload = pathlib.Path(path).read_text().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    print(json.dumps({"aud": claims["aud"], "lifetime": claims["exp"] - claims["iat"]}))
"""


def _tokens() -> None:
    """The audiences alone are printed, never a token."""
    job = apply_job("dev")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"], container["args"] = ["python", "-c", _CLAIMS], []
    log = space_of("dev").completed(space_of("dev").start(job, "tokens"))
    kfp, kubernetes = (json.loads(line) for line in log.splitlines())
    _expect("the audience of KFP's token", kfp["aud"], ["pipelines.kubeflow.org"])
    _expect("Kubernetes' token is for another audience", kubernetes["aud"] != kfp["aud"], True)
    tell(f"tokens: {kfp}, {kubernetes}")


def _two_at_once() -> None:
    space, job = space_of("dev"), apply_job("dev")
    serve("dev", _LATENCY / 2)
    names = [space.start(job, name) for name in ("at-once-1", "at-once-2")]
    with ThreadPoolExecutor() as pool:
        logs = list(pool.map(space.completed, names))
    _expect("Jobs that waited for the other", sum("wait" in log for log in logs), 1)
    tell("two Jobs at once: both complete, one waited for the other")


def _terminated() -> None:
    """SIGTERM to PID 1 of a pod: ended within 5 s with 143, the Lease released."""
    space = space_of("dev")
    serve("dev", _LATENCY)
    pod = _at_work("terminated")
    with watched(space, pod) as seen:
        begun = time.monotonic()
        space.kubectl("delete", "job", "terminated", "--wait=false", "--cascade=orphan")
        space.kubectl("delete", "pod", pod, "--wait")
        took = time.monotonic() - begun
    codes = {state["exitCode"] for state in seen}
    _expect("exit codes of a pod that was deleted", codes, {143})
    _expect("it ended within 8 s, the kubelet's own work included", took < 8, True)
    _expect("the holder of the Lease", space.holder("kfp-gitops-dev"), "")
    tell(f"SIGTERM: exit 143, pod gone after {took:.1f} s, Lease released")


_KILL = """
import os, pathlib, signal
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    if b"-m\\0kfp_gitops" in (folder / "cmdline").read_bytes():
        os.kill(int(folder.name), signal.SIGKILL)
"""


def _dead_holder() -> None:
    """SIGKILL: the Lease is nobody's to release; the next Job waits until it has expired."""
    space = space_of("dev")
    pod = _at_work("killed", beside=True)
    space.kubectl("delete", "job", "killed", "--wait=false", "--cascade=orphan")
    space.kubectl("exec", pod, "--container=killer", "--", "python", "-c", _KILL)
    holder = space.holder("kfp-gitops-dev")
    _expect("the Lease still has its dead holder", bool(holder), True)
    serve("dev")
    begun = time.monotonic()
    space.completed(space.start(apply_job("dev"), "successor"))
    tell(
        f"a holder that was killed: the next Job had the Lease and was done after {time.monotonic() - begun:.0f} s"
    )


def _approved() -> None:
    """With `requirePlan` the Job carries out the plan that was approved, and no other."""
    space, path = space_of("prod"), repository_path() / "environments/prod/values.yaml"
    before = path.read_text()
    values = yaml.safe_load(before)
    values["delivery"]["requirePlan"] = True
    values["pipelines"]["predictive-scaling-forecast"]["values"]["schedule"]["cron"] = "0 45 5 * * *"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    script("render", "--all", "--lock")
    job = deliver("prod")
    _expect("the Job of a change that nobody approved", space.ended(job), "Failed")
    _expect("its exit code", space.exit_code(job), 5)
    tell("requirePlan: nobody approved, exit 5")
    script("reconcile", "plan", "--env", "prod", "--host", host("prod"), "--approve", may_differ=True)
    sync("prod")
    crons = [run["trigger"].get("cron_schedule", {}).get("cron") for run in _schedules("prod")]
    _expect("the approved cron is there", "0 45 5 * * *" in crons, True)
    space.completed(space.start(apply_job("prod"), "approved-again"))
    tell("requirePlan: approved, carried out; once more there is nothing to do")
    path.write_text(before)
    (repository_path() / "environments/prod/approved-plan.yaml").unlink()
    _deliver("prod")


def _disabled() -> None:
    """By its values, as any change is delivered; and on again."""
    path = repository_path() / "environments/prod/values.yaml"
    before = path.read_text()
    path.write_text(f"state: disabled\n{before}")
    _deliver("prod")
    _expect("schedules that still fire", [run["mode"] for run in _schedules("prod")].count("ENABLE"), 0)
    path.write_text(before)
    _deliver("prod")
    tell(f"prod turned off by its values, and on again: {_first_enabled('prod')['display_name']} fires")


def _deliver(env: str) -> None:
    script("render", "--all", "--lock")
    sync(env)


def _at_work(name: str, beside: bool = False) -> str:
    """The pod of an apply that has taken the Lease; with another container beside it that may kill it."""
    space, job = space_of("dev"), apply_job("dev")
    spec = job["spec"]["template"]["spec"]
    if beside:
        killer = {**spec["containers"][0], "name": "killer", "command": ["sleep", "600"], "args": []}
        spec |= {"shareProcessNamespace": True, "containers": [*spec["containers"], killer]}
    pod = space.pod(space.start(job, name))
    until("the Lease to be taken", lambda: space.holder("kfp-gitops-dev"), 60)
    return pod


def _expect(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise Failed(f"{what}: {found}, not {wanted}")


def _kfp(env: str, method: str, path: str, body: Document | None = None) -> Document:
    sent = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{host(env)}/apis/v2beta1{path}", data=sent, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        document: Document = json.load(answer)
    return document


def _schedules(env: str) -> list[Document]:
    found: list[Document] = _kfp(env, "GET", "/recurringruns")["recurringRuns"]
    return found


def _first_enabled(env: str) -> Document:
    found: Document = next(run for run in _schedules(env) if run["mode"] == "ENABLE")
    return found
