"""Whether outputs and metrics of runs can be read: KFP's metadata store, where it is known or needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.metadata import Metadata
from kfp_gitops.language.manifest import Manifest, OutputOf
from kfp_gitops.operate.doctor.check import Check, missing, ok

_SET = "write kfp: {metadata: http://metadata-envoy-service.kubeflow:9090} into the environment's values, and render"
_REACH = (
    "kubectl -n kubeflow get deployment,service metadata-envoy-deployment metadata-envoy-service; from outside of the "
    "cluster:\nkubectl -n kubeflow port-forward svc/metadata-envoy-service 9090, and --metadata http://127.0.0.1:9090"
)


def checks(metadata: Metadata, manifests: Mapping[str, Manifest]) -> Iterator[Check]:
    """None where nobody said where it is, and nothing needs it."""
    needing = needs(manifests)
    if not metadata.url:
        if needing:
            found = f"nobody said where it is, and triggers of {', '.join(needing)} hand on outputs of runs"
            yield missing("metadata", found, _SET)
        return
    try:
        metadata.probe()
    except RemoteError as error:
        yield missing("metadata", str(error), _REACH)
    else:
        yield ok("metadata", f"outputs and metrics of runs are read from {metadata.url}")


def needs(manifests: Mapping[str, Manifest]) -> Sequence[str]:
    """The pipelines with triggers that hand on what runs gave."""
    return [
        name
        for name, manifest in manifests.items()
        if any(
            isinstance(value, OutputOf)
            for trigger in manifest.triggers
            for value in trigger.parameters.values()
        )
    ]
