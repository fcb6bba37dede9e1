"""Python programs that begin at once: a process has imported what they import, and each call is a fork of it.

What is called is a process with its own arguments, environment, folder, streams and exit code, as if Python had been
started anew; it lacks the tenths of a second in which Python reads the same modules again. Whatever would make Python
itself begin otherwise (another PYTHONPATH, another variable of Python's) starts one anew. What a program does while
it is imported for the first time is nothing for it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent
_SCRIPTS = _HERE.parents[1] / "scripts"


class Prepared:
    """A process that has imported some modules, and is told by a socket what to run."""

    def __init__(self, modules: Sequence[str], variables: Mapping[str, str], interpreter: str) -> None:
        self._interpreter = interpreter
        self._folder = Path(tempfile.mkdtemp(prefix="prepared-"))
        self._socket = self._folder / "socket"
        # Its standard input ends when the tests do, however they do.
        self._process = subprocess.Popen(
            [interpreter, str(_HERE / "prepared_process.py"), str(self._socket), *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self._folder,
            env={**os.environ, **variables},
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the process that was to be prepared has ended"

    def python(self, *words: object) -> tuple[str, ...]:
        """A command line that does what `python <words>` does."""
        call = (self._interpreter, "-I", "-S", str(_HERE / "prepared_call.py"), str(self._socket))
        return (*call, *map(str, words))

    @property
    def program(self) -> str:
        """Path of a program that may stand for Python's."""
        path = self._folder / "python"
        if not path.exists():
            path.write_text(f'#!/bin/sh\nexec {shlex.join(self.python())} "$@"\n', "utf-8")
            path.chmod(0o755)
        return str(path)

    def close(self) -> None:
        """End it, and what it runs."""
        self._process.communicate(timeout=60)
        shutil.rmtree(self._folder)


def modules_of(*folders: str) -> Iterator[str]:
    """Our package's own, for a process that is to have imported them, too.

    What imports Kubernetes' client is left out: that reads KUBECONFIG, another one for each call, when it is imported.
    """
    for folder in folders:
        for path in sorted((_SCRIPTS / "kfp_gitops" / folder).rglob("*.py")):
            if (
                path.stem not in ("__init__", "__main__", "cluster", "leases")
                and path.parent.name != "doctor"
            ):
                yield ".".join(path.relative_to(_SCRIPTS).with_suffix("").parts)


@contextmanager
def prepared(*modules: str, interpreter: str = sys.executable, **variables: str) -> Iterator[Prepared]:
    """With these modules, and variables while they are imported; ended at the end."""
    found = Prepared(modules, variables, interpreter)
    try:
        yield found
    finally:
        found.close()
