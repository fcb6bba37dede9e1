"""What a KFP server can do, found out without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Features:
    """What the server told or showed.

    `version` is its TAG_NAME, empty where its image has none; `tags`: versions keep them (2.17);
    `date` is the server's time when it answered (aware), None behind a proxy that drops it.
    """

    version: str
    multi_user: bool
    tags: bool
    orphan_delete: bool
    date: datetime | None = None


def release(version: str) -> tuple[int, int] | None:
    """Major and minor of `2.17.0`, `v1.34.1+k3s1` and their like; None for `unknown`, `latest`, a digest."""
    parts = version.strip().removeprefix("v").split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[0].isascii()):
        return None
    minor = "".join(character for character in parts[1] if character in "0123456789")
    return (int(parts[0]), int(minor)) if minor else None


def wrong_namespace(features: Features, namespace: str | None) -> tuple[str, str] | None:
    """Why a KFP does not go with an environment's user namespace: what, and what to set; None when it does.

    A single-user server takes pipelines, versions and experiments of any namespace, and then refuses each recurring
    run: 400, `belongs to namespace '' instead of …` (seen on KFP 2.17.0).
    """
    if features.multi_user and not namespace:
        return "multi-user, and the environment names no namespace", "set kfp.namespace"
    if not features.multi_user and namespace:
        return f"single-user, and the environment names the namespace {namespace}", "set kfp.namespace to ''"
    return None
