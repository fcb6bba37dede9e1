"""This machine beside a cluster: the repository of a run, a namespace and a development server for each environment."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from kube import Document, Failed, Namespace, apply, until

ENVIRONMENTS = ("dev", "prod")
PUSHGATEWAY_PORT = 19091


def state() -> Path:
    return Path(os.environ["E2E_STATE"])


def repository_path() -> Path:
    return Path((state() / "repository").read_text())


def address() -> str:
    return os.environ.get("NODE_ADDRESS", "127.0.0.1")


def space_of(env: str) -> Namespace:
    return Namespace(f"kfp-gitops-e2e-{env}")


def script(name: str, *arguments: str, may_differ: bool = False) -> str:
    """Its output; `may_differ`: exit 1 says that something is to be done, and is no failure."""
    done = subprocess.run(
        [sys.executable, f"scripts/{name}.py", *arguments],
        cwd=repository_path(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > may_differ:
        raise Failed(f"{name} {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _service(env: str, port: int) -> list[Document]:
    """The name by which pods reach a process of this machine, and the way to it: no pod has the labels of KFP's."""
    space = space_of(env).name
    slice_labels = {"kubernetes.io/service-name": "ml-pipeline"}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ml-pipeline", "namespace": space},
         "spec": {"ports": [{"port": 8888}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
         "metadata": {"name": "this-machine", "namespace": space},
         "spec": {"podSelector": {}, "policyTypes": ["Egress"],
                  "egress": [{"to": [{"ipBlock": {"cidr": f"{address()}/32"}}]}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "ml-pipeline-host", "namespace": space, "labels": slice_labels},
         "endpoints": [{"addresses": [address()], "conditions": {"ready": True}}],
         "ports": [{"port": port, "protocol": "TCP"}]},
    ]  # fmt: skip


def host_name(env: str) -> str:
    return f"ml-pipeline.{space_of(env).name}.svc.cluster.local"


def serve(env: str, latency: float = 0.0) -> None:
    """(Re)start the environment's development server on the data that it has."""
    stop(f"server-{env}")
    log = state() / f"log-{env}"
    _start(
        f"server-{env}", log, sys.executable, "scripts/devserver.py", "--port", "0", "--listen", address(),
        "--allow-host", host_name(env),
        "--data", str(state() / f"data-{env}"), "--latency", str(latency),
    )  # fmt: skip
    line = until(f"the development server of {env}", lambda: _listening(log), 30)
    (state() / f"host-{env}").write_text(line)
    apply(_service(env, int(line.rsplit(":", 1)[1])))


def _listening(log: Path) -> str:
    words = log.read_text().replace(",", " ").split()
    return next((word for word in words if word.startswith("http://")), "")


def _start(name: str, log: Path, *command: str) -> None:
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=repository_path(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    (state() / f"{name}.pid").write_text(str(process.pid))


def stop(name: str) -> None:
    """End what was started by that name, and wait for it: its folder is another one's only then."""
    note = state() / f"{name}.pid"
    if not note.exists():
        return
    pid = int(note.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        until(f"the end of {name}", lambda: _has_ended(pid), 60)
    note.unlink()


def _has_ended(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # it is another call's of this script
        os.waitpid(pid, os.WNOHANG)
    return not Path(f"/proc/{pid}").exists()


def pushgateway_url() -> str:
    program = shutil.which("prometheus-pushgateway") or shutil.which("pushgateway")
    if not program:
        raise Failed("prometheus-pushgateway is not installed; it takes what the Jobs push")
    _start(
        "pushgateway",
        state() / "log-pushgateway",
        program,
        f"--web.listen-address={address()}:{PUSHGATEWAY_PORT}",
    )
    return f"http://{address()}:{PUSHGATEWAY_PORT}"


def host(env: str) -> str:
    return (state() / f"host-{env}").read_text()
