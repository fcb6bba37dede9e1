"""What the policy of this repository says of a preview, whoever rendered it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kfp_gitops.base import bounds
from kfp_gitops.base.errors import raise_if_any
from kfp_gitops.review import policy
from kfp_gitops.review.policy.subjects import subjects


def refuse(root: Path, folder: Path, environment: str) -> None:
    """Judge what was rendered into a folder; its schedules are of no account, for none is registered.

    Raises:
        InputError: everything that is refused, or the policy cannot be read.
    """
    if not (root / policy.POLICY).is_file():
        return
    found = policy.read(root)
    looked_at = [one for one in subjects(folder, environment) if one.kind != "schedule"]
    with bounds.bounded(policy.POLICY):  # a pattern in it can take for ever
        raise_if_any(policy.judge(found, looked_at, datetime.now(UTC).date(), whole=False))
