"""Names of schedules: a-z 0-9 -, at most 40, as the manifest's schema has them."""

from __future__ import annotations

import re

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.importing.foreign.asked import Found

_MOST = 40
_OTHERS = re.compile(r"[^a-z0-9]+")


def name_of(name: str, document: Document, at: Path, found: Found) -> str:
    """A name that a schedule may have; that it is another one is told."""
    made = _OTHERS.sub("-", name.lower()).strip("-")[:_MOST].strip("-") or "schedule"
    if made != name:
        what = f"{name!r} cannot name a schedule (a-z 0-9 -, at most {_MOST})"
        found.told.append(document.problem(at, what, f"it is {made!r} here", key=True))
    return made
