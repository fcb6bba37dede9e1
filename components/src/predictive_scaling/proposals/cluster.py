"""Asking a cluster whether it would take a proposal: server-side dry runs with kubectl, nothing is written.

A workload that the API server takes may still never start: a Pod made of the patched template is tried too, which shows
LimitRanges and quotas (seen on Kubernetes 1.37); the largest node's allocatable is compared, for no dry run schedules.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from predictive_scaling.base.documents import Document, write_bytes
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.proposals.floors import namespace
from predictive_scaling.proposals.ground import HPA, SCALED_OBJECT, VPA
from predictive_scaling.proposals.kustomization import resources
from predictive_scaling.proposals.over import ground
from predictive_scaling.proposals.proposal import Over, Proposal, proposal
from predictive_scaling.proposals.tree import Files, kustomization_of
from predictive_scaling.proposals.yamltext import typed
from predictive_scaling.shapes.shape import KINDS

_SECONDS = 60
_MANAGER = "predictive-scaling-propose"
_BOUNDS = ("LimitRange", "ResourceQuota", "Node", "List")
_FORBIDDEN = "(Forbidden)"


@dataclass(frozen=True)
class Kubectl:
    """kubectl of the PATH, with the context it is to use; empty: its current one."""

    context: str = ""

    def bounded(self, over: Over, space: str) -> Over:
        """With what bounds the namespaces on the cluster; `space` is that of workloads that name none.

        Raises InputError without kubectl, RemoteError.
        """
        spaces = sorted({each.namespace for each in over.ground.workloads})
        texts = [pair for each in spaces for pair in self._bounds("limitranges,resourcequotas", each, space)]
        return replace(over, ground=over.ground.joined(ground([*texts, *self._bounds("nodes", "", "")])))

    def _bounds(self, what: str, written: str, space: str) -> Iterator[tuple[str, str]]:
        within = written or space
        done = self.run(["get", what, "-o", "json", *(["-n", within] if within else [])])
        if done.returncode:
            if _FORBIDDEN in done.stderr and what == "nodes":
                return  # who may not see nodes still may try the rest
            raise RemoteError(f"kubectl get {what}: {_said(done)}")
        for each in json.loads(done.stdout)["items"]:
            each["metadata"].pop("managedFields", None)
            each["metadata"]["namespace"] = written  # as the workloads have it
            status = {"allocatable": each.get("status", {}).get("allocatable", {})}
            yield f"cluster {each['kind']} {each['metadata']['name']}", json.dumps(each | {"status": status})

    def refusal(self, thing: Document) -> str:
        """What the API server says against an object; empty where it would take it."""
        text = json.dumps(thing, default=str)
        if thing["kind"] == "Pod":
            done = self.run(["create", "--dry-run=server", "-f", "-"], text)
        else:
            options = [
                "--server-side",
                "--dry-run=server",
                "--force-conflicts",
                f"--field-manager={_MANAGER}",
            ]
            done = self.run(["apply", *options, "-f", "-"], text)
        return _said(done) if done.returncode else ""

    def built(self, folder: Path) -> list[Document]:
        """What kustomize makes of a folder. Raises InputError where it does not build."""
        done = self.run(["kustomize", str(folder)])
        if done.returncode:
            raise InputError(f"the tree does not build: kubectl kustomize: {_said(done)}")
        return typed(done.stdout)

    def run(self, arguments: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        """Run it. Raises InputError where there is none, RemoteError where it does not end."""
        program = shutil.which("kubectl")
        if program is None:
            raise InputError("kubectl is not on the PATH; install it, or leave --cluster out")
        context = ["--context", self.context] if self.context else []
        try:
            return subprocess.run(
                [program, *context, *arguments],
                input=text, capture_output=True, text=True, check=False, timeout=_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise RemoteError(f"kubectl {arguments[0]} did not end within {_SECONDS} seconds") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("Warning:")]
    return " ".join(lines)[:600] or f"exit {done.returncode}"


def tried(
    kubectl: Kubectl,
    texts: Sequence[tuple[str, str]],
    document: Document,
    files: Files,
    over: Over,
    given: Mapping[str, str],
    made: Proposal,
) -> Proposal:
    """The proposal without the services that the cluster refuses. Raises InputError, RemoteError."""
    if not made.changed:
        return made
    things = _patched(kubectl, texts, made, over)
    space = over.namespace or namespace(document)
    if space:
        things = [each | {"metadata": {"namespace": space} | each["metadata"]} for each in things]
    found = {name: said for name in made.changed if (said := _refusal(kubectl, things, name, over))}
    if not found:
        return made
    return proposal(document, files, replace(over, refused=found), given)


def _patched(
    kubectl: Kubectl, texts: Sequence[tuple[str, str]], made: Proposal, over: Over
) -> list[Document]:
    """The rendered objects with the tree laid over them, as a kustomization above the rendered ones has it."""
    rendered = [each for _, text in texts for each in typed(text) if each.get("kind") not in _BOUNDS]
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write_bytes(
            root / "rendered.yaml",
            "\n---\n".join(json.dumps(each, default=str) for each in rendered).encode(),
        )
        for path, text in made.files.items():
            write_bytes(root / "tree" / path, text.encode())
        name = kustomization_of(made.files)
        own = {each: made.files[each] for each in resources(name, made.files[name]) if each in made.files}
        component = _aimed(typed(made.files[name])[0], over, {*_names(rendered)}, own)
        write_bytes(root / "tree" / name, json.dumps(component).encode())
        laid = {"resources": ["rendered.yaml"], "components": ["tree"]}
        write_bytes(root / "kustomization.yaml", json.dumps(laid).encode())
        return kubectl.built(root)


def _names(things: Sequence[Document]) -> Iterator[tuple[str, str]]:
    for each in things:
        yield str(each["kind"]), str(each["metadata"]["name"])


def _aimed(
    component: dict[str, Any], over: Over, there: set[tuple[str, str]], own: Mapping[str, str]
) -> dict[str, Any]:
    """The component for names as they are rendered, and without resources that are rendered already."""
    for each in component.get("patches") or []:
        target = each.get("target") or {}
        if "name" in target:
            target["name"] = f"{target['name']}|{over.placing.after(target['name'])}"
    listed = [
        each
        for each in component.get("resources") or []
        if not (each in own and _is_there(own[each], there, over))
    ]
    return component | {"resources": listed}


def _is_there(text: str, there: set[tuple[str, str]], over: Over) -> bool:
    return any(
        (kind, name) in there or (kind, over.placing.after(name)) in there
        for kind, name in _names(typed(text))
    )


def _refusal(kubectl: Kubectl, things: Sequence[Document], service: str, over: Over) -> str:
    for each in _things_of(things, service, over):
        said = kubectl.refusal(each)
        if said:
            return f"the cluster refuses its {each['kind']}: {said}"
    return ""


def _things_of(things: Sequence[Document], service: str, over: Over) -> Iterator[Document]:
    """A service's workload, a Pod of its template, what scales it, and the VPA that sets its memory."""
    names = {service, over.placing.after(service)}
    for each in things:
        if each["kind"] in KINDS and each["metadata"]["name"] in names:
            yield each
            yield pod_of(each)
        elif each["kind"] in {HPA, SCALED_OBJECT, VPA} and _target_name(each) in names:
            yield each


def _target_name(thing: Document) -> str:
    spec = thing.get("spec", {})
    return str((spec.get("scaleTargetRef") or spec.get("targetRef") or {}).get("name", ""))


def pod_of(workload: Document) -> Document:
    """A Pod as a workload's controller would make it; a StatefulSet's claims become volumes."""
    template = workload["spec"]["template"]
    metadata = template.get("metadata") or {}
    made = {"generateName": f"{workload['metadata']['name']}-"}
    made |= {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
    if "namespace" in workload["metadata"]:
        made["namespace"] = workload["metadata"]["namespace"]
    claims = [
        {"name": each["metadata"]["name"], "persistentVolumeClaim": {"claimName": each["metadata"]["name"]}}
        for each in workload["spec"].get("volumeClaimTemplates") or []
    ]
    spec = dict(template["spec"])
    if claims:
        spec["volumes"] = [*(spec.get("volumes") or []), *claims]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": spec}
