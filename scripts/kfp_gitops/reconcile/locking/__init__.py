"""Two reconcilers of one environment never interleave: a Lease in a cluster, a file lock elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from kfp_gitops.base.errors import UsageError
from kfp_gitops.reconcile.locking import filelock
from kfp_gitops.reconcile.locking.memory import Memory

_LEASE = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)/([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)")


class Held(Protocol):
    """A lock that is held; `check` raises LockLostError once it may be somebody else's.

    It remembers, beside KFP and its database, what was there of the environment when it was last looked at.
    """

    @property
    def memory(self) -> Memory: ...
    def check(self) -> None: ...
    def remember(self, memory: Memory) -> None: ...

    @property
    def begun(self) -> str:
        """The digest of the approved plan that an apply has begun and none has run through; or empty."""

    def begin(self, plan: str) -> None: ...


@contextmanager
def hold(
    lease: str | None, key: tuple[str, ...], timeout: float, tell: Callable[[str], None]
) -> Iterator[Held]:
    """Hold the Lease `NAMESPACE/NAME`, or without one this machine's lock for the key; released at the end.

    Raises:
        LockedError: another one holds it, and still did after `timeout` seconds.
        UsageError: the lease is not NAMESPACE/NAME, or there is no cluster.
    """
    if lease is None:
        with filelock.hold(filelock.spot(key), timeout, tell) as found:
            yield found
        return
    parts = _LEASE.fullmatch(lease)
    if parts is None:
        raise UsageError(f"--lease {lease}: write NAMESPACE/NAME, as Kubernetes names them")
    # The kubernetes client costs 40 MB and a third of a second: only where it is needed.
    from kfp_gitops.reconcile.locking.lease import Holder
    from kfp_gitops.reconcile.locking.leases import Leases

    holder = Holder(Leases(parts[1]), parts[3])
    with holder.hold(timeout, tell):
        yield holder
