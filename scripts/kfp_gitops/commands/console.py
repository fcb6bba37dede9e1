"""The only module that prints: results on stdout, progress and complaints on stderr."""

from __future__ import annotations

import errno
import gc
import getpass
import os
import sys
import threading
import traceback
from importlib import import_module
from typing import Any

from kfp_gitops.base import columns, faults, redact, stopping, visible, waiting
from kfp_gitops.base.errors import ExitCode, GitOpsError

_CLEAR = "\r\x1b[K"
_standing = threading.Event()
"""Whether a line that the next one overwrites stands on the terminal."""


def result(text: str) -> None:
    """Write what was asked for; a character that a terminal would obey is escaped."""
    _clear()
    print(visible.shown(text), flush=True)


def note(text: str) -> None:
    """Write progress, a warning or a hint."""
    _clear()
    print(visible.shown(text), file=sys.stderr, flush=True)


waiting.tell_by(note)


def counter(text: str) -> None:
    """Write how far it is on a terminal's last line, in the place of what stood there; see `is_watched`."""
    _standing.set()
    cut = visible.line(text)[: columns.width() - 1]  # a line that is wrapped could not be overwritten
    print(f"{_CLEAR}{cut}", end="", file=sys.stderr, flush=True)


def is_watched() -> bool:
    """Whether somebody sits before it: a line on stderr may be overwritten."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _clear() -> None:
    if _standing.is_set():
        _standing.clear()
        print(_CLEAR, end="", file=sys.stderr, flush=True)


def coloured() -> bool:
    """Whether results may hold colours: a terminal reads them, and nobody said NO_COLOR (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


_ALLOCATED = 10_000
"""Objects that are allocated and not freed before the collector looks for garbage."""
_REFUSED_BY_THE_DISK = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


def _imported(command: str) -> Any:
    """Imports allocate much and free nothing: without the collector they take a tenth less.

    Nor is there garbage in what they leave, and a command makes little that its reference counts do not free: it is
    looked for a tenth as often as Python does it by itself.
    """
    gc.disable()
    try:
        return import_module(f"kfp_gitops.commands.{command}")
    finally:
        gc.freeze()
        gc.set_threshold(_ALLOCATED, 10, 10)
        gc.enable()


def run(command: str) -> int:
    """Run `commands/<command>.py` as the one error boundary: a traceback is shown only for a defect of ours.

    SIGTERM and SIGINT end it in time (`stopping`), with 143 and 130.
    """
    before, threading.excepthook = threading.excepthook, _told
    try:
        with stopping.heeded():
            return _run(command)
    finally:
        threading.excepthook = before


def _run(command: str) -> int:
    try:
        return int(_imported(command).main())
    except GitOpsError as error:
        note(faults.told(error))
        return error.exit_code
    except KeyboardInterrupt as error:
        note(f"interrupted{f': {error}; nothing new was begun' if str(error) else ''}")
        return error.exit_code if isinstance(error, stopping.Stopped) else ExitCode.INTERRUPTED
    except BrokenPipeError:  # `… | head`: the reader has what it wanted; keep the interpreter's exit quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kfp_gitops"):
            return _defect()
        return _mended_by(
            f"the Python package {error.name!r} is not installed; run `make demo` once, then `. .venv/bin/activate`"
        )
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return _mended_by(
                f"a name of {len(str(error.filename or ''))} characters: no file or folder has one so long"
            )
        if error.errno in _IN_THE_WAY and error.filename is not None:
            return _mended_by(
                f"{error.filename}: {error.strerror}; give another place, or remove what is there"
            )
        if error.errno not in _REFUSED_BY_THE_DISK or error.filename is None:
            return _defect()
        return _mended_by(
            f"{error.filename}: {error.strerror}; give yourself the right, or the disk room, and run it again"
        )
    except Exception:
        return _defect()


def _mended_by(what: str) -> int:
    note(what)
    return ExitCode.BAD_INPUT


def _defect() -> int:
    told = redact.traceback(traceback.format_exc())
    note(f"{told}\nthis is a defect of kfp_gitops: please report it with the lines above")
    return ExitCode.DEFECT


def _told(failed: threading.ExceptHookArgs) -> None:
    """A thread that ends with an exception is told as the whole process would be."""
    if failed.exc_type is SystemExit or failed.exc_value is None:
        return
    note(redact.traceback("".join(traceback.format_exception(failed.exc_value))))


def user() -> str:
    """Who sits here, as far as that is known."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return ""
