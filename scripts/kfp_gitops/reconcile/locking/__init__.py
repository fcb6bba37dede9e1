"""Two reconcilers of one environment never interleave: a Lease in a cluster, a file lock elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from kfp_gitops.base.errors import RemoteError, UsageError
from kfp_gitops.reconcile.locking import filelock, witness
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import Witness

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

    @property
    def witness(self) -> Witness | None:
        """What it keeps of KFP's database; None: nothing."""

    def keep(self, witness: Witness) -> None: ...

    @property
    def kept(self) -> str:
        """The text that it keeps: an environment's lock what `witness` reads, the lock of its triggers theirs."""

    def keep_text(self, text: str) -> None: ...


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
    namespace, name = _named(lease)
    # The kubernetes client costs 40 MB and a third of a second: only where it is needed.
    from kfp_gitops.reconcile.locking.lease import Holder
    from kfp_gitops.reconcile.locking.leases import Leases

    holder = Holder(Leases(namespace), name)
    with holder.hold(timeout, tell):
        yield holder


@dataclass(frozen=True)
class Kept:
    """What a lock remembers, as one who does not hold it sees it."""

    memory: Memory = Memory.NEVER
    witness: Witness | None = None
    text: str = field(default="", compare=False)
    """What it was read from, or what else a lock keeps."""


def peek(lease: str | None, key: tuple[str, ...]) -> Kept:
    """What the lock remembers; it is neither taken nor waited for.

    Raises:
        RemoteError: Kubernetes does not tell, or there is none.
        UsageError: the lease is not NAMESPACE/NAME.
    """
    if lease is None:
        memory, text = filelock.peek(key)
        return Kept(memory, witness.read(text), text)
    namespace, name = _named(lease)
    from kfp_gitops.reconcile.locking.leases import Leases

    try:
        leases = Leases(namespace)
    except UsageError as error:  # who only looks has other things to tell
        raise RemoteError(str(error)) from None
    found = leases.get(name)
    return Kept(found.memory, witness.read(found.kept), found.kept) if found else Kept()


def _named(lease: str) -> tuple[str, str]:
    parts = _LEASE.fullmatch(lease)
    if parts is None:
        raise UsageError(f"--lease {lease}: write NAMESPACE/NAME, as Kubernetes names them")
    return parts[1], parts[3]
