"""SIGTERM and SIGINT: nothing new is begun, what was begun is brought to safety, and the process ends in time.

PID 1 of a container has no default handlers: the kernel drops a signal that it set none for (pid_namespaces(7)).
The handler raises `Stopped` in the main thread, wherever that is. Other threads cannot be interrupted; they ask:
before a write, and in a pause between two tries. Whatever hangs all the same, the process ends in time.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SAFETY, _LAST, _END = 2.3, 3.0, 4.2
"""Seconds after the signal: until when what was begun may be brought to safety; when the last things are done though
the main thread hangs; when the process ends. 5 s is the promise."""


class Stopped(KeyboardInterrupt):
    """Somebody wants this process to end. No `except Exception` may take it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell tells it: 143 for SIGTERM, 130 for SIGINT."""
        return 128 + self.number


class _Watch:
    """What one process knows of its end."""

    def __init__(self) -> None:
        self.number = 0
        self.at = 0.0
        self.last: list[Callable[[], None]] = []
        self.under_way: set[object] = set()
        self.raised = False
        # The kernel's own handler writes a byte here at once, also while the main thread is in a call that no signal
        # ends, such as the look-up of a name.
        self.heard, self.told = socket.socketpair()
        self.told.setblocking(False)
        # Becomes readable at the end; those who pause wait for that.
        self.ended, self._end = os.pipe()
        self.thread: threading.Thread | None = None

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Runs in the main thread, between two of its steps: no lock may be taken here."""
        self.begin(number)
        if self.thread is None:
            _thread.start_new_thread(self.see_to_the_end, ())
        if not self.raised:
            self.raised = True
            raise Stopped(number)

    def begin(self, number: int) -> None:
        if not self.number:
            self.at = time.monotonic()
            self.number = number
            os.write(self._end, b".")

    def listen(self) -> None:
        while number := self.heard.recv(1)[0]:
            if number in _SIGNALS:
                self.begin(number)
                self.see_to_the_end()

    def see_to_the_end(self) -> None:
        """Once the time is over the process ends, whatever its threads wait for."""
        _thread.start_new_thread(self._exit, ())
        time.sleep(max(0.0, self.at + _LAST - time.monotonic()))
        self.finish()

    def _exit(self) -> None:
        time.sleep(max(0.0, self.at + _END - time.monotonic()))
        stopped = Stopped(self.number)
        os.write(2, f"{stopped}; something did not answer, and is left as it is\n".encode())
        os._exit(stopped.exit_code)

    def finish(self) -> None:
        while self.last:
            with suppress(IndexError):  # the other thread took it
                self.last.pop()()

    def close(self) -> None:
        if self.thread:
            self.told.send(b"\0")
            self.thread.join()
        for end in (self.heard, self.told):
            end.close()
        os.close(self.ended)
        os.close(self._end)


class _Here(threading.local):
    """What one thread is doing."""

    safe = False
    sent = 0


_watch: _Watch | None = None
_here = _Here()


@contextmanager
def heeded() -> Iterator[None]:
    """Within, both signals raise `Stopped` in the main thread; a signal that was ignored from outside stays so."""
    global _watch  # noqa: PLW0603  # handlers are the process's
    if _watch is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _watch = watch = _Watch()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, watch.handle)
    wakeup = signal.set_wakeup_fd(watch.told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        if watch.number:
            watch.finish()  # the rest of the process is the interpreter's end; what hangs there is cut off
        else:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            _watch = None
            watch.close()


def listen() -> None:
    """Hear a signal also while the main thread is in a call that none ends. Before anything that asks the network.

    Not from the start: a process with a second thread may not fork.
    """
    watch = _watch
    if watch and watch.thread is None and not watch.number:
        watch.thread = threading.Thread(target=watch.listen, name="stopping", daemon=True)
        watch.thread.start()


def forked() -> None:
    """In a child that was forked: its signals are its own, and end it."""
    global _watch  # noqa: PLW0603  # likewise
    _watch = None
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def asked() -> bool:
    """Whether the process shall end."""
    return _watch is not None and _watch.number != 0


def check() -> None:
    """Raise Stopped when the process shall end; within `safety` only once the time for that is over."""
    if _watch and _watch.number and not (_here.safe and left() > 0):
        raise Stopped(_watch.number)


def left(most: float = _SAFETY) -> float:
    """Seconds that something may take: `most`, or when the process shall end, what is left of its time."""
    if _watch is None or not _watch.number:
        return most
    return max(0.0, min(most, _watch.at + _SAFETY - time.monotonic()))


def sleep(seconds: float) -> None:
    """`time.sleep` that ends with Stopped in any thread."""
    watch = _watch
    if watch is None or threading.current_thread() is threading.main_thread():
        time.sleep(seconds)
    elif _here.safe:
        time.sleep(min(seconds, left(seconds)))
    else:
        select.select([watch.ended], [], [], seconds)
    check()


@contextmanager
def safety() -> Iterator[None]:
    """Within, this thread may write though the process shall end: it brings something begun to its end."""
    _here.safe = True
    try:
        yield
    finally:
        _here.safe = False


@contextmanager
def writing() -> Iterator[None]:
    """Around a write that is sent once: none is begun once the process shall end."""
    watch, mark = _watch, object()
    if watch is None:
        yield
        return
    watch.under_way.add(mark)  # before the look, so that whoever stops us sees it or we see him
    try:
        check()
    except Stopped:
        watch.under_way.discard(mark)
        raise
    _here.sent += 1
    try:
        yield
    except Stopped:
        raise  # sent, and its answer is not waited for
    except BaseException:
        watch.under_way.discard(mark)
        raise
    watch.under_way.discard(mark)


def sent() -> int:
    """How many writes this thread has sent so far."""
    return _here.sent


def unanswered() -> bool:
    """Whether a write was sent whose answer nobody waits for any more: it may take effect later."""
    return bool(_watch and _watch.under_way)


def at_last(work: Callable[[], None]) -> Callable[[], None]:
    """Register what must be done before the process ends; what is returned does it now, and it is done with.

    It may be done twice, when the first time was interrupted.
    """
    watch = _watch
    if watch is None:
        return work
    watch.last.append(work)

    def done() -> None:
        work()
        with suppress(ValueError):
            watch.last.remove(work)

    return done
