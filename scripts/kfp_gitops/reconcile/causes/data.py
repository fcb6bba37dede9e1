"""In which state data are, as a trigger on data sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kfp_gitops.language.manifest.triggers import OnData


@dataclass(frozen=True)
class DataState:
    """The object that counts: `key` is without the bucket, `etag` without quotes, `modified` in UTC.

    `identity` is the same for the same content at the same place, whenever it was put there.
    """

    identity: str
    key: str
    etag: str
    modified: datetime

    def is_before(self, other: DataState) -> bool:
        """Whether it was modified before another one; of the same second the greater key is the later one."""
        return (self.modified, self.key) < (other.modified, other.key)


class DataStates(Protocol):
    """Says in which state data are now; what it was asked once it need not look at again."""

    def now(self, on: OnData) -> DataState | None:
        """The state; None where there are none.

        Raises:
            RemoteError: it cannot be told; the message says what to do.
        """
