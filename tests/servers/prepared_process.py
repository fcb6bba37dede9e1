"""`prepared_process.py <socket> <modules>`: import modules, then fork for each call; see `prepared`.

Standard output says `ready`; when standard input ends, this and all that it runs end.
"""

from __future__ import annotations

import atexit
import gc
import io
import marshal
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

# A process that runs reads these no more, and does by them all the same; with other ones Python is started anew.
_HARMLESS = ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
_HIGH = 500
"""Above the numbers of descriptors that calls come with."""


class Calls:
    """Each call is a process of its own, known by its number until its end is told to who asked for it."""

    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(path)
        self._listening.listen(64)
        self._selector = selectors.DefaultSelector()
        self._asking: dict[int, socket.socket] = {}
        self._ends, told = socket.socketpair()
        for one in (self._ends, told):
            one.setblocking(False)
        signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._told = told
        for source in (self._listening, self._ends, 0):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until standard input ends."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    return self._end_all()
                if key.fileobj is self._listening:
                    self._begin(self._listening.accept()[0])
                elif key.fileobj is self._ends:
                    self._ends.recv(4096)
                    self._tell_ends()
                else:
                    self._signalled(key.data, key.fileobj)

    def _begin(self, asking: socket.socket) -> None:
        asked, descriptors = _received(asking)
        child = os.fork()
        if child == 0:
            self._forget()
            asking.close()
            _become(asked, descriptors)
        for number in descriptors:
            os.close(number)
        self._asking[child] = asking
        self._selector.register(asking, selectors.EVENT_READ, child)

    def _forget(self) -> None:
        signal.set_wakeup_fd(-1)
        for one in (self._listening, self._ends, self._told, *self._asking.values()):
            one.close()
        self._selector.close()

    def _signalled(self, child: int, asking: Any) -> None:
        """Who asked has got a signal, or was killed."""
        numbers = asking.recv(4096).split()
        for number in map(int, numbers or [signal.SIGKILL]):
            _kill(child, number)
        if not numbers:
            self._selector.unregister(asking)

    def _tell_ends(self) -> None:
        while self._asking:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            with self._asking.pop(child) as asking:
                if asking in {key.fileobj for key in self._selector.get_map().values()}:
                    self._selector.unregister(asking)
                    _say(asking, os.waitstatus_to_exitcode(status))

    def _end_all(self) -> None:
        for child in self._asking:
            _kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _kill(child: int, number: int) -> None:
    """With what it has started: who asked was most often signalled with its group."""
    try:
        os.killpg(child, number)
    except ProcessLookupError:  # it has only just begun
        os.kill(child, number)


def _say(asking: socket.socket, code: int) -> None:
    try:
        asking.sendall(f"{code}\n".encode())
    except OSError:  # it was killed meanwhile
        return


@dataclass(frozen=True)
class Asked:
    """What is to run, where, and with which open descriptors; of signals those that are ignored."""

    words: list[str]
    env: dict[str, str]
    folder: str
    numbers: list[int]
    ignored: list[int]


def _received(asking: socket.socket) -> tuple[Asked, list[int]]:
    size, descriptors, _, _ = socket.recv_fds(asking, 8, 64)
    with asking.makefile("rb") as rest:
        return Asked(*marshal.loads(rest.read(int.from_bytes(size, sys.byteorder)))), list(descriptors)


def _become(asked: Asked, descriptors: list[int]) -> None:
    """The program that was asked for; never returns."""
    code = 1
    try:
        os.setsid()
        _take(descriptors, asked.numbers)
        os.chdir(asked.folder)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in asked.ignored:
            signal.signal(number, signal.SIG_IGN)
        if not _alike(asked.env):
            os.execve(sys.executable, [sys.executable, *asked.words], asked.env)
        _surround(asked.env)
        code = _run(asked.words)
    except BaseException:
        traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


def _take(descriptors: list[int], numbers: list[int]) -> None:
    high = [os.dup2(found, _HIGH + at) for at, found in enumerate(descriptors)]
    for number in {0, 1, 2, *descriptors} - set(numbers):
        os.close(number)
    for found, number in zip(high, numbers, strict=True):
        os.dup2(found, number, inheritable=True)
        os.close(found)


def _alike(env: dict[str, str]) -> bool:
    """Whether Python would find the modules that are here already, and begin as this one began."""
    mine, theirs = _entries(os.environ), _entries(env)
    if _of_python(os.environ) != _of_python(env):
        return False
    here = {name.partition(".")[0] for name in sys.modules}
    found = (Path(entry) for entry in theirs if entry not in mine)
    if any(
        path.name.partition(".")[0] in here for entry in found if entry.is_dir() for path in entry.iterdir()
    ):
        return False
    gone = tuple(f"{entry}{os.sep}" for entry in mine if entry not in theirs)
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return not (gone and any(file.startswith(gone) for file in files))


def _entries(env: Mapping[str, str]) -> list[str]:
    return [entry for entry in dict.fromkeys(env.get("PYTHONPATH", "").split(os.pathsep)) if entry]


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in env.items() if key.startswith("PYTHON") and key not in _HARMLESS}


def _surround(env: dict[str, str]) -> None:
    mine, theirs = _entries(os.environ), _entries(env)
    sys.path[:] = [sys.path[0], *theirs, *(entry for entry in sys.path[1:] if entry not in mine)]
    os.environ.clear()
    os.environ.update(env)
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 what was read ahead is not the child's
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = io.FileIO(number, "w", closefd=False)
        line = number == 2 or os.isatty(number)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace" if number == 2 else "strict",
            line_buffering=line, write_through=bool(env.get("PYTHONUNBUFFERED")),
        )  # fmt: skip
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _run(words: list[str]) -> int:
    """`python -m module …` or `python script …`, to its exit code."""
    del sys.modules["__main__"]
    try:
        if words[0] == "-m":
            for name in (words[1], f"{words[1]}.__main__"):  # what is run is not what was imported
                if not hasattr(sys.modules.get(name), "__path__"):
                    sys.modules.pop(name, None)
            sys.argv, sys.path[0] = words[1:], str(Path.cwd())
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
            runpy.run_path(words[0], run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = _code(ended.code)
    except KeyboardInterrupt:
        traceback.print_exc()
        _flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        raise
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # as Python's own end waits for its threads
    atexit._run_exitfuncs()
    return code


def _code(found: object) -> int:
    if found is None or isinstance(found, int):
        return (found or 0) & 0xFF
    sys.stderr.write(f"{found}\n")
    return 1


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue


def main() -> None:
    """Import, say so, serve."""
    calls = Calls(sys.argv[1])
    for name in sys.argv[2:]:
        import_module(name)
    gc.collect()
    gc.freeze()
    os.write(1, b"ready\n")
    calls.serve()


if __name__ == "__main__":
    main()
