"""Python programs that begin at once: a process has imported what they import, and each call is a fork of it.

What is called is a process with its own arguments, environment, folder, streams and exit code, as if Python had been
started anew; it lacks the tenths of a second in which Python reads the same modules again. Whatever would make Python
itself begin otherwise (another PYTHONPATH, another variable of Python's) starts one anew. What a program does while
it is imported for the first time is nothing for it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent


class Prepared:
    """A process that has imported some modules, and is told by a socket what to run."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="prepared-"))
        self._socket = self._folder / "socket"
        # Its standard input ends when the tests do, however they do.
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / "prepared_process.py"), str(self._socket), *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self._folder,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the process that was to be prepared has ended"

    def python(self, *words: object) -> tuple[str, ...]:
        """A command line that does what `python <words>` does."""
        call = (sys.executable, "-I", "-S", str(_HERE / "prepared_call.py"), str(self._socket))
        return (*call, *map(str, words))

    def close(self) -> None:
        """End it, and what it runs."""
        self._process.communicate(timeout=60)
        shutil.rmtree(self._folder)


@contextmanager
def prepared(*modules: str) -> Iterator[Prepared]:
    """With these modules; ended at the end."""
    found = Prepared(modules)
    try:
        yield found
    finally:
        found.close()
