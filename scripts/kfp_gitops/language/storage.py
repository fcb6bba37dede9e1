"""Which URIs KFP reads artifacts from, and keeps them at.

The rules of KFP's backend at 2.17.0: backend/src/v2/objectstore/config.go (`bucketPattern`, the schemes),
component/importer_launcher.go (`oci://`), config/env.go (`GetStoreSessionInfo`). `mem://` passes there too, and opens
no bucket: no driver for it is linked in.
"""

from __future__ import annotations

import re

from kfp_gitops.language.kubernetes_names import shown

Fault = tuple[str, str]
"""What is wrong, and what to do."""

_BUCKET = re.compile(r"([a-z][a-z0-9]+:///?)([^/?]+)(/[^?]*)?(\?.+)?", re.DOTALL)
_SCHEMES = ("gs://", "s3://", "minio://")
_KNOWN = "gs://, s3:// and minio://"
_OCI = "oci://"
_MODEL = "Model"


def importer(
    uri: str, type_name: str = "", *, to_workspace: bool = False, is_read: bool = False
) -> Fault | None:
    """Why KFP cannot import an artifact of a type (`Dataset`; empty: not known) from a URI; None when it can.

    `is_read`: a container takes it, for which the launcher downloads it first.
    """
    if uri.startswith(_OCI):
        return _from_registry(type_name, to_workspace=to_workspace)
    return root(uri) or (_whole_bucket(uri) if to_workspace or is_read else None)


def _whole_bucket(uri: str) -> Fault | None:
    """objectstore/config.go, KeyFromURI: «has empty key»."""
    found = _BUCKET.fullmatch(uri)
    if found and not (found[3] or "").strip("/") and not found[4]:
        return (
            f"KFP downloads no whole bucket, and {shown(uri)} names nothing in it",
            "add the path of the artifact",
        )
    return None


def root(uri: str) -> Fault | None:
    """Why KFP cannot keep artifacts at a pipeline root; None when it can."""
    found = _BUCKET.fullmatch(uri)
    if found and found[1] in _SCHEMES:
        return None
    return f"KFP reads no URI like {shown(uri)}", f"write one of {_KNOWN}, a bucket and what is in it"


def _from_registry(type_name: str, *, to_workspace: bool) -> Fault | None:
    if type_name and type_name != _MODEL:
        return f"{_OCI} is read for models only, and this is a {type_name}", f"write `type: {_MODEL}`"
    if to_workspace:
        return f"KFP downloads nothing from {_OCI} to the workspace", "drop `downloadToWorkspace`"
    return None
