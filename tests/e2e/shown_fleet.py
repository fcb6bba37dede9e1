"""What only a cluster can show of a fleet: many pipelines arrive by few archives, or by an artifact; one changes."""

from __future__ import annotations

import copy
import json
import os
import shlex
import subprocess
import urllib.request

import yaml
from deliver import apply_job, sync
from kube import Document, Failed, kubectl, tell
from place import host, repository_path, script, space_of, state

_SIZE = 120
_OURS = "app.kubernetes.io/managed-by=kfp-gitops,app.kubernetes.io/instance=kfp-gitops-dev"


def fleet() -> None:
    """In dev, beside what is there."""
    path = repository_path() / "environments/dev/values.yaml"
    values = yaml.safe_load(path.read_text())
    one = {"template": "quickstart", "values": values["pipelines"]["quickstart"]["values"]}
    for number in range(_SIZE):
        values["pipelines"][f"fleet-{number:03}"] = copy.deepcopy(one)
    _deliver(values)
    before = _archives()
    registered = _registered()
    _expect("pipelines that KFP has", registered >= _SIZE, True)
    size = len(json.dumps(apply_job("dev")))
    _expect("the Job's manifest is below 20 kB", size < 20_000, True)
    tell(
        f"{_SIZE} pipelines of one template: {registered} in KFP, {len(before)} archives, Job of {size} bytes"
    )
    values["pipelines"]["fleet-007"]["values"]["owner"] = "another-team"
    _deliver(values)
    after = _archives()
    _expect("archives that one pipeline's change makes anew", len(after - before), 1)
    _expect("archives that it takes away", len(before - after), 1)
    tell(f"one of them changed: {(after - before).pop()} is new, the others are as they were")
    _by_artifact(values)


def _by_artifact(values: Document) -> None:
    """By the digest that rendering knows; the node has the image under it, as if it had pulled it.

    A containerd before 2.1 says of each container «failed to mkdir "": no such file or directory» (seen with 1.6.20).
    """
    runtime = _runtime()
    if runtime.startswith(("containerd://1.", "containerd://2.0")):
        tell(f"not tried: an artifact as an image volume, for {runtime} mounts none")
        return
    values["delivery"]["artifact"] = {"repository": "localhost/kfp-gitops-dev"}
    values["pipelines"]["fleet-008"]["values"]["owner"] = "another-team"
    _write(values)
    layout = state() / "artifact"
    reference = script("artifact", "--env", "dev", "--layout", str(layout)).split()[-1]
    load = [*shlex.split(os.environ["LOAD_IMAGE"]), "localhost/kfp-gitops-dev:e2e", "--from", f"oci:{layout}"]
    digest = ["--as-digest", reference.partition("@")[2]]
    subprocess.run([*load, *digest], check=True, stdout=subprocess.DEVNULL)
    sync("dev")
    _expect("archives beside an artifact", _archives(), set())
    tell(f"the same by an OCI artifact, mounted as an image volume: {reference}")


def _deliver(values: Document) -> None:
    _write(values)
    sync("dev")


def _write(values: Document) -> None:
    path = repository_path() / "environments/dev/values.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    script("render", "--env", "dev", "--lock")


def _archives() -> set[str]:
    names = space_of("dev").names("configmap", _OURS)
    return {name for name in names if "pipelines-" in name or "components-" in name}


def _runtime() -> str:
    """Of the first node."""
    nodes = json.loads(kubectl("get", "nodes", "--output=json"))["items"]
    found: str = nodes[0]["status"]["nodeInfo"]["containerRuntimeVersion"]
    return found


def _registered() -> int:
    with urllib.request.urlopen(f"{host('dev')}/apis/v2beta1/pipelines?page_size=1", timeout=30) as answer:
        found: int = json.load(answer)["total_size"]
    return found


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Failed(f"{what}: {found}, not {wanted}")
