"""What the server can do, so that tests can meet an older or a shared KFP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Features:
    """Off means: as the servers that lack it behave, which is silently."""

    multi_user: bool = False
    """Off: every namespace is blanked, as resource_manager.go `ReplaceNamespace` does."""
    version: str = "2.17.0"
    """TAG_NAME of the API server, as main.go tells it on /healthz."""
    tags: bool = True
    """Off: KFP before 2.17, which ignores tags wherever they come."""
    orphan: bool = True
    """Off: a server that ignores `propagation_policy`, and so kills the runs of a deleted schedule."""
