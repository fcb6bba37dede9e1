"""What a lock remembers of its environment, for KFP's own database can be lost."""

from __future__ import annotations

from enum import StrEnum


class Memory(StrEnum):
    """Where the environment stands."""

    NEVER = ""
    """Nothing of it was ever seen on the server."""
    APPLIED = "applied"
    """Something of it was there."""
    REBUILDING = "rebuilding"
    """It was there and was lost, and no apply has run through since."""
