"""The folder of consumers: a kustomize component, and beside it what Prometheus and the adapter read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from predictive_scaling.base.documents import write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.consumers.consumer import Consumer, File, Object
from predictive_scaling.consumers.yamltext import MARK, document

KUSTOMIZATION = "kustomization.yaml"


def texts(consumers: Sequence[Consumer], resources: Iterable[File], beside: Iterable[File]) -> dict[str, str]:
    """Path → text of the folder; `resources` are more of the component's, `beside` are not applied."""
    files = [each for one in consumers for each in one.files]
    applied = [*files, *resources]
    kustomization = document(_component(applied), _ABOUT)
    found = {each.path: document(each.content, each.about) for each in (*applied, *beside)}
    return {KUSTOMIZATION: kustomization, **dict(sorted(found.items()))}


_ABOUT = ("A component: name its folder under `components:` of the kustomization that has the services.",)


def _component(files: Sequence[File]) -> Object:
    resources = sorted(each.path for each in files if each.target is None)
    patches = sorted(
        ({"path": each.path, "target": dict(each.target)} for each in files if each.target is not None),
        key=lambda patch: str(patch["path"]),
    )
    head: Object = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    return head | ({"resources": resources} if resources else {}) | ({"patches": patches} if patches else {})


def write(folder: Path, found: dict[str, str]) -> None:
    """Write the folder; what an earlier run of ours left there of services that went is deleted, nothing else.

    Raises InputError before anything is written where somebody else's file is in the way.
    """
    strange = [path for path in found if _stands(folder / path) and not _ours(folder / path)]
    if strange:
        raise InputError(f"{folder / strange[0]}: not written by this command; give another --output")
    for path in sorted(folder.glob("*.yaml")):
        if path.name not in found and _ours(path):
            path.unlink()
    for name, text in found.items():
        write_bytes(folder / name, text.encode())


def _stands(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _ours(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return file.readline().rstrip(b"\n") == MARK.encode()
