"""A pure function over many items, on all cores: this process and forked ones take batches until none is left.

Forked, so that what has been read and imported is there already; only results travel. The answer never
depends on it: what another process did not deliver, for whatever reason, is done here, and then fails here.
"""

from __future__ import annotations

import gc
import marshal
import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from signal import SIGKILL
from typing import Any, TypeVar

from kfp_gitops.base import stopping

Item = TypeVar("Item")
Answer = TypeVar("Answer")

BATCH = 16
MOST = 8  # processes; each holds its own copy of what it works on
_CLAIM = struct.Struct("=II")
_MOST_CLAIMS = 8_000
"""What a pipe holds (64 KiB, pipe(7)) without a reader; this process works on the others."""


def spread(
    function: Callable[[Item], Answer],
    items: Sequence[Item],
    least: int = 0,
    meanwhile: Callable[[], Sequence[int] | None] = lambda: None,
    beside: Callable[[], object] = lambda: None,
) -> list[Answer]:
    """`[function(item) for item in items]`; answers are texts, or lists and maps of them: equal ones travel once.

    `least` is how many items are worth a process. What this process does `meanwhile` is something that waits for
    others, and may start threads; it is done once, and first. It returns the places of the items that are left to be
    worked on, in rising order (None: all of them), and the answers are theirs. What it does `beside` is work of its own
    that is to be done in any case, such as an import: others have begun by then. Where there are none it is not done.
    """
    step = max(least or BATCH, -(-len(items) // 200))
    count = min(cores(), MOST, -(-len(items) // step)) if _may_fork() else 1

    def work(place: int) -> Answer:
        return function(items[place])

    done: dict[int, Any] = {}
    if count > 1:
        with _forked(count - 1, work) as (claims, answers):
            wanted = _places(meanwhile(), items)
            left = claims.fill(_runs(wanted, step))
            beside()
            done.update((place, work(place)) for place in chain(claims, left))
            done.update(found for answer in answers for found in _received(answer))
    else:
        wanted = _places(meanwhile(), items)
    return [done.pop(place) if place in done else work(place) for place in wanted]


def _places(chosen: Sequence[int] | None, items: Sequence[Any]) -> Sequence[int]:
    return range(len(items)) if chosen is None else chosen


def _runs(places: Sequence[int], step: int) -> Iterator[tuple[int, int]]:
    """Neighbours go together: (first, how many), at most `step` of them."""
    first, count = -1, 0
    for place in places:
        if count and place == first + count and count < step:
            count += 1
            continue
        if count:
            yield first, count
        first, count = place, 1
    if count:
        yield first, count


def cores() -> int:
    """How many this process may use: its affinity, and the quota of its control group (cgroup v2, cpu.max)."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return usable if quota == "max" else max(1, min(usable, int(quota) // int(period)))
    except (OSError, ValueError):
        return usable


def _may_fork() -> bool:
    """Elsewhere than on Linux system libraries may not survive a fork; and no thread does."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208  # names only


class _Claims:
    """What is left to do, a run of neighbours at a time: a pipe gives each to one reader, and an end to all."""

    def __init__(self) -> None:
        self._claims, self._filled = os.pipe()

    def fill(self, runs: Iterable[tuple[int, int]]) -> Iterator[int]:
        """To be done once; gives back what has no room."""
        found = list(runs)
        os.write(self._filled, b"".join(_CLAIM.pack(*run) for run in found[:_MOST_CLAIMS]))
        self.close_filled()
        return (place for first, count in found[_MOST_CLAIMS:] for place in range(first, first + count))

    def __iter__(self) -> Iterator[int]:
        while found := os.read(self._claims, _CLAIM.size):
            first, count = _CLAIM.unpack(found)
            yield from range(first, first + count)

    def close_filled(self) -> None:
        """As long as one process could still fill it, no reader sees an end."""
        if self._filled >= 0:
            os.close(self._filled)
            self._filled = -1

    def close(self) -> None:
        """Both ends."""
        self.close_filled()
        os.close(self._claims)


@contextmanager
def _forked(count: int, work: Callable[[int], Any]) -> Iterator[tuple[_Claims, Iterator[bytes]]]:
    """Gives what all of them claim, once it is filled, and what the others answer when they end."""
    claims = _Claims()
    children: list[tuple[int, int]] = []
    try:
        with suppress(OSError):  # no process is to be had: less help
            for _ in range(count):
                children.append(_child(claims, work))
        yield claims, (_drained(answer) for _, answer in children)
    finally:
        claims.close()
        for child, answer in children:
            os.close(answer)
            os.kill(child, SIGKILL)  # has ended already, unless this process failed
            os.waitpid(child, 0)


def _child(claims: _Claims, work: Callable[[int], Any]) -> tuple[int, int]:
    answer, given = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            gc.freeze()  # what it was born with is no garbage; to look at it would copy its pages
            stopping.forked()
            claims.close_filled()
            _send(given, {place: work(place) for place in claims})
        finally:
            os._exit(0)  # neither the clean-up nor the error message is this process's
    os.close(given)
    return child, answer


def _drained(answer: int) -> bytes:
    with open(answer, "rb", closefd=False) as pipe:  # a descriptor, not a path
        return pipe.read()


def _send(given: int, done: dict[int, Any]) -> None:
    table: dict[str, str] = {}
    packed = marshal.dumps({place: _shared(found, table) for place, found in done.items()})
    with open(given, "wb") as pipe:  # a descriptor, not a path
        pipe.write(packed)


def _received(answer: bytes) -> Iterator[tuple[int, Any]]:
    try:
        found: dict[int, Any] = marshal.loads(answer)  # noqa: S302  # of this very program, which forked
    except (EOFError, ValueError, TypeError):  # cut short: the process failed
        return
    yield from found.items()


def _shared(value: Any, table: dict[str, str]) -> Any:
    """The same, equal texts in it one object: `marshal` writes an object once."""
    kind = type(value)
    if kind is str:
        return table.setdefault(value, value)
    if kind is dict:
        return {key: _shared(item, table) for key, item in value.items()}
    return [_shared(item, table) for item in value]
