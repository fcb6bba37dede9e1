"""SIGTERM and SIGINT by hand: `docker run` makes a command PID 1, which has no default handlers.

In KFP's pods it is no PID 1, and the launcher's own signal ends it; nothing of this is needed there.
"""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import time
from types import FrameType

_END = 4.0
"""Seconds after which it ends, whatever does not answer."""


def heed() -> None:
    """Both signals end this process with 143 and 130: nothing more is written, and its workers end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    os.write(2, f"stopped by {signal.Signals(number).name}\n".encode())
    _thread.start_new_thread(_end, (128 + number,))
    for child in multiprocessing.active_children():
        child.terminate()
    raise SystemExit(128 + number)


def _end(code: int) -> None:
    time.sleep(_END)
    os._exit(code)
