"""A pure function over many items, on all cores: this process and forked ones take batches until none is left.

Forked, so that what has been read and imported is there already; only results travel, as JSON. The answer never
depends on it: what another process did not deliver, for whatever reason, is done here, and then fails here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any, TypeVar

from kfp_gitops.base import stopping

Item = TypeVar("Item")
Answer = TypeVar("Answer")

BATCH = 16
MOST = 8  # processes; each holds its own copy of what it works on


def spread(
    function: Callable[[Item], Answer],
    items: Sequence[Item],
    least: int = 0,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Answer]:
    """`[function(item) for item in items]`; answers are texts, or lists and maps of them: equal ones travel once.

    `least` is how many items are worth a process. What this process does `meanwhile` is something that waits for
    others, and may start threads; it is done once, and first.
    """
    batches = range(
        0, len(items), max(least or BATCH, -(-len(items) // 200))
    )  # a batch is claimed as one byte
    count = min(cores(), MOST, len(batches)) if _may_fork() else 1

    def work(batch: int) -> list[Any]:
        return [function(item) for item in items[batches[batch] :][: batches.step]]

    done: dict[int, list[Any]] = {}
    if count > 1:
        with _forked(count - 1, len(batches), work) as (claims, answers):
            meanwhile()
            done.update((batch, work(batch)) for batch in claims)
            done.update(found for answer in answers for found in _received(answer))
    else:
        meanwhile()
    return [answer for batch in range(len(batches)) for answer in (done.pop(batch, None) or work(batch))]


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


@contextmanager
def _forked(
    count: int, batches: int, work: Callable[[int], list[Any]]
) -> Iterator[tuple[Iterator[int], Iterator[bytes]]]:
    """Gives the batches that are left to this process, and what the others answer when they end."""
    claims, filled = os.pipe()
    os.write(filled, bytes(range(batches)))
    os.close(filled)
    children: list[tuple[int, int]] = []
    try:
        with suppress(OSError):  # no process is to be had: less help
            for _ in range(count):
                children.append(_child(claims, work))
        yield _claimed(claims), (_drained(answer) for _, answer in children)
    finally:
        os.close(claims)
        for child, answer in children:
            os.close(answer)
            os.kill(child, SIGKILL)  # has ended already, unless this process failed
            os.waitpid(child, 0)


def _child(claims: int, work: Callable[[int], list[Any]]) -> tuple[int, int]:
    answer, given = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            stopping.forked()
            _send(given, {batch: work(batch) for batch in _claimed(claims)})
        finally:
            os._exit(0)  # neither the clean-up nor the error message is this process's
    os.close(given)
    return child, answer


def _claimed(claims: int) -> Iterator[int]:
    """The next batch that no process has, until there is none: a pipe gives each byte to one reader."""
    while found := os.read(claims, 1):
        yield found[0]


def _drained(answer: int) -> bytes:
    with open(answer, "rb", closefd=False) as pipe:  # a descriptor, not a path
        return pipe.read()


def _send(given: int, done: dict[int, list[Any]]) -> None:
    table: dict[str, int] = {}
    packed = [[batch, [_packed(text, table) for text in texts]] for batch, texts in done.items()]
    with open(given, "w", encoding="ascii") as pipe:  # a descriptor, not a path
        json.dump({"batches": packed, "texts": list(table)}, pipe)


def _received(answer: bytes) -> Iterator[tuple[int, list[Any]]]:
    try:
        found = json.loads(answer)
    except ValueError:  # cut short: the process failed
        return
    for batch, packed in found["batches"]:
        yield batch, [_unpacked(value, found["texts"]) for value in packed]


def _packed(value: Any, table: dict[str, int]) -> Any:
    if isinstance(value, str):
        return table.setdefault(value, len(table))
    if isinstance(value, dict):
        return {key: _packed(item, table) for key, item in value.items()}
    return [_packed(item, table) for item in value]


def _unpacked(value: Any, table: Sequence[str]) -> Any:
    if isinstance(value, int):
        return table[value]
    if isinstance(value, dict):
        return {key: _unpacked(item, table) for key, item in value.items()}
    return [_unpacked(item, table) for item in value]
