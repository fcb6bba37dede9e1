"""Deliver to a real Kubernetes, as Argo CD would: both images built from the Dockerfiles, the rendered objects applied.

Each environment has a namespace under Pod Security `restricted`, and a development server as its KFP: a process of
this machine that the pods reach by the Service `ml-pipeline`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from kube import Document, Failed, Namespace, apply, kubectl, read, tell, until, watched

_EPILOG = """what it wants of the machine:
  kubectl, whose KUBECONFIG names a cluster that may be used: two namespaces kfp-gitops-e2e-… are made, and deleted
  NODE_ADDRESS   an address of this machine that the cluster's pods reach (the development servers listen on it)
  LOAD_IMAGE     a command that gives the image NAME:TAG, its last argument, to the cluster and prints NAME@sha256:…
  BUILD_IMAGE    builds an image (default: buildah bud; or: docker build), with its options, such as
                 --build-arg BASE=… where the base that the Dockerfiles name cannot be had
  prometheus-pushgateway, which takes what the Jobs push

  example: NODE_ADDRESS=10.250.0.1 LOAD_IMAGE=./load-image make e2e E2E_ON=cluster"""

_ENVIRONMENTS = ("dev", "prod")
_IMAGES = {
    "predictive-scaling": ("components/Dockerfile", "components"),
    "reconciler": ("scripts/Dockerfile", "."),
}
_HERE = Path(__file__).resolve().parent
_PUSHGATEWAY_PORT = 19091
_LATENCY = 2.0
"""Seconds: long enough that a pod is still at work when it is met."""


def _state() -> Path:
    return Path(os.environ["E2E_STATE"])


def _repository() -> Path:
    return Path((_state() / "repository").read_text())


def _address() -> str:
    return os.environ.get("NODE_ADDRESS", "127.0.0.1")


def _space(env: str) -> Namespace:
    return Namespace(f"kfp-gitops-e2e-{env}")


def _script(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, f"scripts/{name}.py", *arguments],
        cwd=_repository(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{name} {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


# -- what stands in for KFP -------------------------------------------------------------------------------------------


def _service(env: str, port: int) -> list[Document]:
    """The name by which pods reach a process of this machine, and the way to it: no pod has the labels of KFP's."""
    space = _space(env).name
    slice_labels = {"kubernetes.io/service-name": "ml-pipeline"}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ml-pipeline", "namespace": space},
         "spec": {"ports": [{"port": 8888}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
         "metadata": {"name": "this-machine", "namespace": space},
         "spec": {"podSelector": {}, "policyTypes": ["Egress"],
                  "egress": [{"to": [{"ipBlock": {"cidr": f"{_address()}/32"}}]}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "ml-pipeline-host", "namespace": space, "labels": slice_labels},
         "endpoints": [{"addresses": [_address()], "conditions": {"ready": True}}],
         "ports": [{"port": port, "protocol": "TCP"}]},
    ]  # fmt: skip


def _host_name(env: str) -> str:
    return f"ml-pipeline.{_space(env).name}.svc.cluster.local"


def serve(env: str, latency: float = 0.0) -> None:
    """(Re)start the environment's development server on the data that it has."""
    _stop(f"server-{env}")
    log = _state() / f"log-{env}"
    _start(
        f"server-{env}", log, sys.executable, "scripts/devserver.py", "--port", "0", "--listen", _address(),
        "--allow-host", _host_name(env),
        "--data", str(_state() / f"data-{env}"), "--latency", str(latency),
    )  # fmt: skip
    line = until(f"the development server of {env}", lambda: _listening(log), 30)
    (_state() / f"host-{env}").write_text(line)
    apply(_service(env, int(line.rsplit(":", 1)[1])))


def _listening(log: Path) -> str:
    words = log.read_text().replace(",", " ").split()
    return next((word for word in words if word.startswith("http://")), "")


def _start(name: str, log: Path, *command: str) -> None:
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=_repository(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    (_state() / f"{name}.pid").write_text(str(process.pid))


def _stop(name: str) -> None:
    note = _state() / f"{name}.pid"
    if note.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(note.read_text()), signal.SIGTERM)
        note.unlink()


def _pushgateway() -> str:
    program = shutil.which("prometheus-pushgateway") or shutil.which("pushgateway")
    if not program:
        raise Failed("prometheus-pushgateway is not installed; it takes what the Jobs push")
    _start(
        "pushgateway",
        _state() / "log-pushgateway",
        program,
        f"--web.listen-address={_address()}:{_PUSHGATEWAY_PORT}",
    )
    return f"http://{_address()}:{_PUSHGATEWAY_PORT}"


# -- the repository of this run ---------------------------------------------------------------------------------------


def _build(name: str) -> str:
    """Builds an image, gives it to the cluster; its name there, by digest."""
    dockerfile, context = _IMAGES[name]
    tag = f"localhost/{name}:e2e"
    build = shlex.split(os.environ.get("BUILD_IMAGE", "buildah bud"))
    tell(f"building {tag}")
    subprocess.run(
        [*build, "-t", tag, "-f", dockerfile, context], cwd=_repository(), check=True, stdout=sys.stderr
    )
    load = shlex.split(os.environ["LOAD_IMAGE"])
    loaded = subprocess.run([*load, tag], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return loaded[-1]


def _inputs(pushgateway: str) -> None:
    """What a fork sets: KFP's address and the namespace of each environment, its registry, no windows for this run."""
    for env in _ENVIRONMENTS:
        path = _repository() / f"environments/{env}/values.yaml"
        values = yaml.safe_load(path.read_text())
        values["kfp"] = {"host": f"http://{_host_name(env)}:8888"}
        # Where the Pushgateway's pods are is for the NetworkPolicy alone; here it is a process of this machine.
        where = {
            "namespace": _space(env).name,
            "podLabels": {"app": "pushgateway"},
            "port": _PUSHGATEWAY_PORT,
        }
        values["delivery"] = {"namespace": _space(env).name, "pushGateway": {"url": pushgateway, **where}}
        path.write_text(yaml.safe_dump(values, sort_keys=False))
    policy = _repository() / "environments/policy.yaml"
    policy.write_text(policy.read_text().replace("registry\\.example\\.com", "localhost"))


def up(repository: str) -> None:
    missing = [name for name in ("NODE_ADDRESS", "LOAD_IMAGE") if name not in os.environ]
    if missing:
        raise Failed(f"{' and '.join(missing)} must be set: see tests/e2e/cluster --help")
    (_state() / "repository").write_text(repository)
    for env in _ENVIRONMENTS:
        _space(env).make()
        serve(env)
    _inputs(_pushgateway())
    images = [f"--set={name}={_build(name)}" for name in _IMAGES]
    _script("image", "--env", "dev", *images)
    _script("promote", "--from", "dev", "--to", "prod")


# -- what Argo CD does ------------------------------------------------------------------------------------------------


def sync(env: str) -> None:
    """Applied in order, waited for, pruned last."""
    documents = list(_built(env))
    apply(documents)
    job = _apply_job(env)["metadata"]["name"]
    (_state() / f"log-{job}").write_text(_space(env).completed(job))
    _prune(env, documents)


def _built(env: str) -> Iterator[Document]:
    yield from yaml.safe_load_all(kubectl("kustomize", str(_repository() / f"manifests/{env}")))


def _prune(env: str, documents: list[Document]) -> None:
    wanted = {f"{document['kind'].lower()}/{document['metadata']['name']}" for document in documents}
    selector = f"app.kubernetes.io/managed-by=kfp-gitops,app.kubernetes.io/instance=kfp-gitops-{env}"
    for kind in ("job", "configmap"):
        for name in sorted(_space(env).names(kind, selector) - wanted):
            if not _owned(env, name):
                _space(env).kubectl("delete", name)


def _owned(env: str, name: str) -> bool:
    """By a CronJob: its controller looks after it."""
    return bool(_space(env).read("get", name)["metadata"].get("ownerReferences"))


def _apply_job(env: str) -> Document:
    return next(d for d in _built(env) if d["kind"] == "Job")


# -- what only a cluster can show -------------------------------------------------------------------------------------


def more() -> None:
    """Drift and status as CronJobs, two Jobs at once, SIGTERM, a dead holder, tokens, an environment turned off."""
    for check in (_drift, _status, _tokens, _two_at_once, _terminated, _dead_holder, _disabled):
        check()


def _drift() -> None:
    space = _space("prod")
    space.completed(space.start_now("kfp-gitops-prod-drift", "drift-none"))
    tell("drift: nothing, exit 0")
    schedule = _first_enabled("prod")
    _kfp("prod", "POST", f"/recurringruns/{schedule['recurring_run_id']}:disable")
    job = space.start_now("kfp-gitops-prod-drift", "drift-some")
    _expect("the drift check of a schedule that somebody turned off", space.ended(job), "Failed")
    _expect("its exit code", space.exit_code(job), 1)
    tell("drift: a schedule was turned off by hand, exit 1")
    space.completed(space.start(_apply_job("prod"), "repair"))
    space.completed(space.start_now("kfp-gitops-prod-drift", "drift-repaired"))
    tell("drift: repaired by apply, exit 0")


def _status() -> None:
    space = _space("prod")
    space.completed(space.start_now("kfp-gitops-prod-status", "status-now"))
    with urllib.request.urlopen(f"http://{_address()}:{_PUSHGATEWAY_PORT}/metrics", timeout=10) as answer:
        series = [line for line in answer.read().decode().splitlines() if line.startswith("kfp_gitops")]
    if not series:
        raise Failed("the Pushgateway has no series of ours")
    tell(f"status: {len(series)} series at the Pushgateway")


_CLAIMS = """
import base64, json, os, pathlib
for path in (os.environ["KF_PIPELINES_SA_TOKEN_PATH"], "/var/run/secrets/kubernetes.io/serviceaccount/token"):
    payload = pathlib.Path(path).read_text().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    print(json.dumps({"aud": claims["aud"], "lifetime": claims["exp"] - claims["iat"]}))
"""


def _tokens() -> None:
    """The audiences alone are printed, never a token."""
    job = _apply_job("dev")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"], container["args"] = ["python", "-c", _CLAIMS], []
    log = _space("dev").completed(_space("dev").start(job, "tokens"))
    kfp, kubernetes = (json.loads(line) for line in log.splitlines())
    _expect("the audience of KFP's token", kfp["aud"], ["pipelines.kubeflow.org"])
    _expect("Kubernetes' token is for another audience", kubernetes["aud"] != kfp["aud"], True)
    tell(f"tokens: {kfp}, {kubernetes}")


def _two_at_once() -> None:
    space, job = _space("dev"), _apply_job("dev")
    serve("dev", _LATENCY / 2)
    names = [space.start(job, name) for name in ("at-once-1", "at-once-2")]
    with ThreadPoolExecutor() as pool:
        logs = list(pool.map(space.completed, names))
    _expect("Jobs that waited for the other", sum("wait" in log for log in logs), 1)
    tell("two Jobs at once: both complete, one waited for the other")


def _terminated() -> None:
    """SIGTERM to PID 1 of a pod: ended within 5 s with 143, the Lease released."""
    space = _space("dev")
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
    space = _space("dev")
    pod = _at_work("killed", beside=True)
    space.kubectl("delete", "job", "killed", "--wait=false", "--cascade=orphan")
    space.kubectl("exec", pod, "--container=killer", "--", "python", "-c", _KILL)
    holder = space.holder("kfp-gitops-dev")
    _expect("the Lease still has its dead holder", bool(holder), True)
    serve("dev")
    begun = time.monotonic()
    space.completed(space.start(_apply_job("dev"), "successor"))
    tell(
        f"a holder that was killed: the next Job had the Lease and was done after {time.monotonic() - begun:.0f} s"
    )


def _disabled() -> None:
    """By its values, as any change is delivered; and on again."""
    path = _repository() / "environments/prod/values.yaml"
    before = path.read_text()
    path.write_text(f"state: disabled\n{before}")
    _deliver("prod")
    _expect("schedules that still fire", [run["mode"] for run in _schedules("prod")].count("ENABLE"), 0)
    path.write_text(before)
    _deliver("prod")
    tell(f"prod turned off by its values, and on again: {_first_enabled('prod')['display_name']} fires")


def _deliver(env: str) -> None:
    _script("render", "--all", "--lock")
    sync(env)


def _at_work(name: str, beside: bool = False) -> str:
    """The pod of an apply that has taken the Lease; with another container beside it that may kill it."""
    space, job = _space("dev"), _apply_job("dev")
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


def _kfp(env: str, method: str, path: str) -> Document:
    request = urllib.request.Request(f"{host(env)}/apis/v2beta1{path}", method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        document: Document = json.load(answer)
    return document


def _schedules(env: str) -> list[Document]:
    found: list[Document] = _kfp(env, "GET", "/recurringruns")["recurringRuns"]
    return found


def _first_enabled(env: str) -> Document:
    found: Document = next(run for run in _schedules(env) if run["mode"] == "ENABLE")
    return found


# -- commands ---------------------------------------------------------------------------------------------------------


def host(env: str) -> str:
    return (_state() / f"host-{env}").read_text()


def down() -> None:
    for env in _ENVIRONMENTS:
        _stop(f"server-{env}")
        _space(env).delete()
    _stop("pushgateway")


def diagnose() -> None:
    for env in _ENVIRONMENTS:
        tell(json.dumps(read("--namespace", _space(env).name, "get", "jobs,pods,events"), indent=1))


_COMMANDS: dict[str, Callable[..., Any]] = {
    "up": up, "host": lambda env: tell(host(env)), "sync": sync, "more": more, "down": down, "diagnose": diagnose,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="cluster",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("argument", nargs="?", help="REPOSITORY of up, ENV of host and sync")
    asked = parser.parse_args()
    try:
        _COMMANDS[asked.command](*([asked.argument] if asked.argument else []))
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
