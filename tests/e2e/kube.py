"""What a scenario asks of a Kubernetes: apply, wait, watch. By kubectl, as a person would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

Document = dict[str, Any]


class Failed(Exception):  # noqa: N818  # a finding, not a defect
    """The scenario found something else than it wants; the text is for a person."""


def kubectl(*arguments: str, given: str | None = None, check: bool = True) -> str:
    """What kubectl prints on stdout.

    Raises:
        Failed: it did not end with 0 (and that was asked for); with what it said.
    """
    done = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Failed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def read(*arguments: str) -> Document:
    document: Document = json.loads(kubectl(*arguments, "--output=json"))
    return document


def apply(documents: Iterable[Document]) -> None:
    """Server-side, as Argo CD does it here. A warning (of Pod Security, say) is a failure."""
    text = yaml.safe_dump_all(documents)
    kubectl("apply", "--server-side", "--force-conflicts", "--warnings-as-errors", "--filename=-", given=text)


def until(what: str, found: Callable[[], Any], seconds: float = 120) -> Any:
    """The first true answer, asked for each half second.

    Raises:
        Failed: there was none in time.
    """
    end = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s for {what}, in vain")
        time.sleep(0.5)
    return answer


@dataclass(frozen=True)
class Namespace:
    """One namespace, under Pod Security `restricted`."""

    name: str

    def make(self) -> None:
        """Made anew: what an earlier run left behind is none of this one's."""
        kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait")
        labels = {
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
        }
        apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": labels}}])

    def delete(self) -> None:
        kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait=false", check=False)

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return kubectl("--namespace", self.name, *arguments, check=check)

    def read(self, *arguments: str) -> Document:
        return read("--namespace", self.name, *arguments)

    def names(self, kinds: str, selector: str) -> set[str]:
        """`kind/name` of each, as `kubectl get --output=name` has it, without the group."""
        listed = self.kubectl("get", kinds, "--selector", selector, "--output=name").split()
        return {name.replace(".batch/", "/") for name in listed}

    def start(self, job: Document, name: str) -> str:
        """A copy of a Job under another name."""
        metadata = {"name": name, "namespace": self.name, "labels": job["metadata"].get("labels", {})}
        apply([{**job, "metadata": metadata}])
        return name

    def start_now(self, cronjob: str, name: str) -> str:
        """What the CronJob would start at its time; on a busy machine the answer to the first try may be lost."""
        try:
            self.kubectl("create", "job", f"--from=cronjob/{cronjob}", name)
        except Failed as error:
            if "already exists" not in str(error):
                raise
        return name

    def ended(self, job: str, seconds: float = 300) -> str:
        """`Complete` or `Failed`."""

        def condition() -> str:
            conditions = self.read("get", "job", job).get("status", {}).get("conditions", [])
            return next((c["type"] for c in conditions if c["status"] == "True" and c["type"] in _ENDS), "")

        ends: str = until(f"the end of Job {job}", condition, seconds)
        return ends

    def completed(self, job: str, seconds: float = 300) -> str:
        """The log of a Job that must succeed."""
        end = self.ended(job, seconds)
        log = self.log(job)
        if end != "Complete":
            raise Failed(f"Job {job}: {end}\n{log}")
        return log

    def log(self, job: str) -> str:
        return self.kubectl("logs", f"job/{job}", "--tail=-1", check=False)

    def exit_code(self, job: str) -> int:
        """Of the container of the Job's newest pod."""
        pods = self.read("get", "pods", "--selector", f"job-name={job}")["items"]
        newest = max(pods, key=lambda pod: pod["metadata"]["creationTimestamp"])
        code: int = newest["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        return code

    def pod(self, job: str) -> str:
        """The name of the Job's pod once its container runs."""

        def running() -> str:
            pods = self.read("get", "pods", "--selector", f"job-name={job}")["items"]
            return next((p["metadata"]["name"] for p in pods if p["status"]["phase"] == "Running"), "")

        name: str = until(f"the pod of Job {job}", running)
        return name

    def holder(self, lease: str) -> str:
        found = self.kubectl("get", "lease", lease, "--output=jsonpath={.spec.holderIdentity}", check=False)
        return found.strip()


_ENDS = ("Complete", "Failed")


@contextmanager
def watched(namespace: Namespace, pod: str) -> Iterator[list[Mapping[str, Any]]]:
    """Each `terminated` state that a pod's container has while it is watched: a deleted pod has no log left."""
    path = "jsonpath={.status.containerStatuses[0].state.terminated}{'\\n'}"
    watcher = subprocess.Popen(
        ["kubectl", "--namespace", namespace.name, "get", "pod", pod, "--watch", f"--output={path}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    seen: list[Mapping[str, Any]] = []
    try:
        yield seen
        time.sleep(1)
    finally:
        watcher.terminate()
        seen.extend(json.loads(line) for line in watcher.communicate()[0].splitlines() if line.strip())


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
