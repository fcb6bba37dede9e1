"""The versions of KFP, Argo CD and Kubernetes that this project is made for, as data."""

from __future__ import annotations

import json
from pathlib import Path

from kfp_gitops.kfpserver.kfpapi.features import release
from kfp_gitops.operate.doctor.check import Check, missing, ok, unknown

_NAMES = {"kfp": "KFP", "argocd": "Argo CD", "kubernetes": "Kubernetes"}


def check(product: str, version: str, look: str) -> Check:
    """Whether a version is in the supported range; `look` is the command that tells one that is unknown."""
    data = json.loads((Path(__file__).parents[2] / "language/schemas/supported.json").read_text("utf-8"))[
        product
    ]
    name, wanted = f"{_NAMES[product]} version", f"{data['least']} ≤ version < {data['below']}"
    found = release(version)
    if found is None:
        return unknown(name, f"not told ({version or 'no version'}); wanted {wanted}", look)
    least, below = release(data["least"]), release(data["below"])
    assert least is not None
    assert below is not None
    if least <= found < below:
        return ok(name, f"{version} ({wanted})")
    return missing(name, f"{version}; wanted {wanted}", f"install a version in the range: {data['why']}")
