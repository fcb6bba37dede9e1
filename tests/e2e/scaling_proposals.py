"""Proposals of each form, applied over the trees of tests/predictive_scaling: nothing lowered, nothing half applied."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kube import Document, Failed, Namespace, kubectl, tell
from scaling_place import product, step

sys.path[:0] = [str(Path(__file__).parents[1] / "predictive_scaling"), str(Path(__file__).parents[1])]
from proposal_kit import Repository, document, service, vpa  # noqa: E402 -- tests lie beside this
from test_proposal_trees import REAL, Real  # noqa: E402

SPACE = Namespace("kfp-scaling-e2e-tree")
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def shown() -> None:
    for form in ("template", "vpa", "pod"):
        step(f"proposals of the form {form}, over {len(REAL)} trees")
        for name, real in REAL.items():
            with tempfile.TemporaryDirectory() as folder:
                _tree(Path(folder), form, name, real)
    SPACE.delete()


def _tree(folder: Path, form: str, name: str, real: Real) -> None:
    SPACE.make()
    repository, overlay = Repository(folder), {**real.overlay, "namespace": SPACE.name}
    base = [*json.loads(json.dumps(real.base)), *([vpa()] if form == "vpa" else [])]
    repository.write(
        [*map(_runnable, base)], overlay
    )  # it lists the floors: by that propose knows where they lie
    bare = folder / "plain"
    bare.mkdir()
    (bare / "kustomization.yaml").write_text((folder / "overlay" / "plain.yaml").read_text("utf-8"), "utf-8")
    plain = kubectl("kustomize", str(bare))
    _apply(plain)
    before = {key: _floors(each) for key, each in _live(plain)}
    (folder / "r.json").write_text(json.dumps(document(service(real.name), namespace=SPACE.name)), "utf-8")
    (folder / "rendered.yaml").write_text(plain, "utf-8")
    said = product(
        *("propose", "--recommendation", str(folder / "r.json"), "--over", str(folder / "rendered.yaml")),
        *("--into", str(repository.tree), "--form", form, "--cluster"),
        codes=(0, 1),
    )
    built = kubectl("kustomize", str(folder / "overlay"))
    _apply(built)
    for key, each in _live(built):
        after = _floors(each)
        lowered = {
            place: (was, after.get(place))
            for place, was in before.get(key, {}).items()
            if after.get(place, 0) < was
        }
        if lowered:
            raise Failed(f"{name}, {form}: {key} was lowered: {lowered}\n{said}")
    tell(f"{name}: {' | '.join(said.split(chr(10))[:3])[:300]}")


def _apply(text: str) -> None:
    """All of it or an error: with one object refused, kubectl ends with an error after it applied the others."""
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", given=text)


def _live(text: str) -> Iterator[tuple[str, Document]]:
    for each in yaml.safe_load_all(text):
        key = f"{each['kind']}.{each['apiVersion'].split('/')[0]}/{each['metadata']['name']}"
        group, _, version = each["apiVersion"].rpartition("/")
        kind = f"{each['kind']}.{version}.{group}" if group else each["kind"]
        yield key, SPACE.read("get", kind, each["metadata"]["name"])


def _floors(thing: Document) -> dict[str, float]:
    """What of an object may only rise."""
    spec: dict[str, Any] = thing.get("spec", {})
    found = {name: float(spec[name]) for name in ("minReplicas", "minReplicaCount") if name in spec}
    pod = spec.get("template", {}).get("spec", {})
    for place, resources in [
        ("pod", pod.get("resources", {})),
        *((c["name"], c.get("resources", {})) for c in pod.get("containers", [])),
    ]:
        memory = resources.get("requests", {}).get("memory")
        found |= {place: _bytes(memory)} if memory else {}
    for policy in spec.get("resourcePolicy", {}).get("containerPolicies", []) if "targetRef" in spec else []:
        memory = policy.get("minAllowed", {}).get("memory")
        found |= {policy["containerName"]: _bytes(memory)} if memory else {}
    return found


def _bytes(text: str) -> float:
    unit = _UNITS.get(text[-2:], 1)
    return float(text[:-2] if unit > 1 else text) * unit


def _runnable(thing: Document) -> Document:
    """With an image that this cluster has, a command that does nothing, and what KEDA's webhook wants."""
    if thing["kind"] == "ScaledObject":
        thing["spec"]["triggers"] = [
            {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
        ]
    pod = thing.get("spec", {}).get("template", {}).get("spec", {})
    for container in [*pod.get("containers", []), *pod.get("initContainers", [])]:
        container.setdefault("resources", {}).setdefault("requests", {})["cpu"] = "10m"
        container |= {
            "image": os.environ.get("IMAGE", "localhost/busybox:1"),
            "command": ["sh", "-c", "sleep 3600"],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        pod |= {
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }
    return thing
