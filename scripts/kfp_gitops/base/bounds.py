"""Bounds on what a stranger's template or schema may cost: processor time, and memory.

Python can bound neither a loop nor a concatenation inside Jinja, so the operating system does: a timer of
processor seconds that the interpreter looks at between steps (and the regular-expression engine inside one),
and a limit on the address space. A second timer ends the process where one step alone takes for ever, as the
comparison of two lists does that hold the same list twice, sixty levels deep. All of this is for the main thread of a
POSIX process; elsewhere nothing is bounded.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from types import FrameType

from kfp_gitops.base.errors import InputError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]  # says that there is none

SECONDS = 20
MEGABYTES = 1024
_AGAIN = 0.5  # seconds; unwinding takes far less
_UNHEARD = 5  # seconds after which the system ends a process that has still not come to its next step


class _TooLong(BaseException):
    """Not an Exception: no `except Exception` of a library between us and the loop may swallow it."""


@dataclass
class _Standing:
    """The timers of `standing`, and since when a body is bounded now; a busy system strikes later than it was asked."""

    inside: bool = False
    since: float = 0
    most: float = 0


_STANDING: list[_Standing] = []
"""None, or the one that is on: it is there in forked processes, too, whose timers are set anew."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    if _STANDING:
        signal.setitimer(signal.ITIMER_PROF, _STANDING[0].most * 2 + _UNHEARD)
        if not _STANDING[0].inside or process_time() - _STANDING[0].since <= _STANDING[0].most:
            return
    if _running():  # else it struck while the body ended
        signal.setitimer(signal.ITIMER_PROF, _UNHEARD)
        raise _TooLong


@contextmanager
def standing(seconds: float = SECONDS, megabytes: int = MEGABYTES) -> Iterator[None]:
    """Set the timers once for many bodies that are `bounded` one after the other: each has its own seconds.

    To set them for each of a thousand takes longer than the bodies do. The memory is that of all of them together.
    """
    if resource is None or threading.current_thread() is not threading.main_thread() or _running():
        yield
        return
    with _limited(megabytes):
        _STANDING.append(_Standing(most=seconds))
        _strike_often()
        try:
            yield
        finally:
            _STANDING.clear()


def _strike_often() -> None:
    if _STANDING:
        signal.setitimer(signal.ITIMER_VIRTUAL, _AGAIN, _AGAIN)
        signal.setitimer(signal.ITIMER_PROF, _STANDING[0].most * 2 + _UNHEARD)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_strike_often)


@contextmanager
def bounded(path: str, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> Iterator[None]:
    """Run the body within the bounds; nested bounds are the outermost ones.

    Raises:
        InputError: it took more processor seconds, or more memory on top of what the process had.

    A process that does not come to its next step then is ended by SIGPROF: no code of ours can run in it.
    """
    if _STANDING and not _STANDING[0].inside and threading.current_thread() is threading.main_thread():
        with _told(path, _STANDING[0].most, megabytes):
            _STANDING[0].inside, _STANDING[0].since = True, process_time()
            try:
                yield
            finally:
                _STANDING[0].inside = False
        return
    if resource is None or threading.current_thread() is not threading.main_thread() or _running():
        yield
        return
    with _told(path, seconds, megabytes), _limited(megabytes):
        # Again and again: what is raised in a finaliser or a callback of the garbage collector is swallowed.
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
        # What the system does for us (memory) counts here, and not above.
        signal.setitimer(signal.ITIMER_PROF, 2 * seconds + _UNHEARD)
        yield


@contextmanager
def _told(path: str, seconds: float, megabytes: int) -> Iterator[None]:
    try:
        yield
    except _TooLong:
        raise InputError.of(
            path, f"takes more than {seconds:g} s to evaluate", "bound its loops and patterns"
        ) from None
    except MemoryError:
        raise InputError.of(
            path, f"takes more than {megabytes} MB to evaluate", "bound what it builds"
        ) from None


@contextmanager
def _limited(megabytes: int) -> Iterator[None]:
    """The limit of memory, and a handler for the timers that the body sets; without them when it ends."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGVTALRM, _stop)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_allowed(megabytes, limits), limits[1]))
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGVTALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _running() -> bool:
    return signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0


def _allowed(megabytes: int, limits: tuple[int, int]) -> int:
    wanted = _address_space() + megabytes * 2**20
    bounds = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    return min([wanted, *bounds])


def _address_space() -> int:
    """What the process has mapped now, in bytes; a guess where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # pathlib would cost an import here
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30
