"""The processes that tests start: what they inherit, whoever started pytest and how, and that none is left."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from project import ROOT

_MARK = "KFP_GITOPS_TESTS"
# These end with the interpreter that they belong to, and not before.
_PYTHONS_OWN = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


def prepare() -> None:
    """Give all processes of tests one beginning: our packages, SIGINT as at a terminal, a mark to know them by.

    A shell without job control starts what ends in `&` with SIGINT ignored, and whatever that starts inherits it.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _keep_bytecode()
    # kubectl and promtool end before there is much garbage: a fifth of their time goes into looking for it.
    os.environ.setdefault("GOGC", "400")
    ours = [str(ROOT / "scripts"), str(ROOT / "components/src")]
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ["", *ours]]
    os.environ["PYTHONPATH"] = os.pathsep.join([*ours, *others])
    os.environ[_MARK] = str(os.getpid())


def _keep_bytecode() -> None:
    """Where Python is told not to keep it (containers often are), each of the thousand processes compiles anew."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def left(folder: Path, patience: float = 15.0) -> list[str]:
    """Processes that run on: what has our mark or works below a folder; they have `patience` seconds to end."""
    end = time.monotonic() + patience
    while (found := list(_running(folder))) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _running(folder: Path) -> Iterator[str]:
    marks = (f"{_MARK}={os.getpid()}\0", f"{folder}/")
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile, or is another user's
            command = (place / "cmdline").read_text("utf-8", "replace").replace("\0", " ").strip()
            known = f"{(place / 'environ').read_text('utf-8', 'replace')}\0{command}"
            ours = int(place.name) != os.getpid() and any(mark in known for mark in marks)
            if command and ours and not any(word in command for word in _PYTHONS_OWN):
                yield f"{place.name} {command}"
