"""A kubeconfig that leads a client of Kubernetes to a server of a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml


def written(folder: Path, url: str, user: Mapping[str, str] | None = None) -> Path:
    """The file, in a folder; `user` is how the client shows who it is (default: not at all)."""
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": dict(user or {})}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }  # fmt: skip
    (folder / "kubeconfig").write_text(yaml.safe_dump(config), "utf-8")
    return folder / "kubeconfig"
