"""Tasks that make and remove volume claims, which Kubernetes does itself: there are none here, only their names."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.local.localrun.scope import Inputs
from kfp_gitops.local.localrun.spec import Component, Pipeline
from kfp_gitops.local.localrun.values import Outputs


def named(component: Component, inputs: Inputs, run_id: str) -> Outputs:
    """What a task that makes a claim gives: its name, as KFP's driver chooses it (backend/src/v2/driver/k8s.go, 2.17).

    What removes one has no output.
    """
    if "name" not in component.output_parameters:
        return Outputs({}, {})
    name = inputs.parameters.get("pvc_name") or f"{run_id}{inputs.parameters.get('pvc_name_suffix') or ''}"
    return Outputs({"name": name}, {})


def warnings(pipeline: Pipeline) -> Iterator[str]:
    """One that names them all."""
    labels = [one.label for one in pipeline.executors.values() if one.image in STUB_IMAGES]
    if labels:
        yield f"no volume claim is made or removed on this machine: {', '.join(labels)}"
