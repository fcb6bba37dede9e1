"""`run --local --watch`: compile, render and run a pipeline on each save of what it is made of."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from kfp_gitops.base import columns, faults
from kfp_gitops.base.errors import ExitCode, GitOpsError, UsageError
from kfp_gitops.commands import console, locally, render
from kfp_gitops.commands.run.here import Here
from kfp_gitops.local.job import SupersededError
from kfp_gitops.local.saves import Saves
from kfp_gitops.operate.comparing import compared, of_here, told

_INPUTS = ("components", "templates", "environments")


class Watching:
    """The loop; it ends by Ctrl-C, and nothing that somebody saves ends it."""

    def __init__(self, arguments: Namespace) -> None:
        self._arguments = arguments
        self._root: Path = arguments.root
        self._saves = Saves([self._root / name for name in _INPUTS])
        self._ran = ""
        self._last: Path | None = None

    def run(self) -> int:
        """For ever.

        Raises:
            UsageError: what was asked for is not there, before anything ran.
        """
        self._saves.look()
        self._again(first=True)
        while True:
            console.note(
                f"waiting for a save in {', '.join(f'{name}/' for name in _INPUTS)} (Ctrl-C ends it)"
            )
            changed = self._saves.wait()
            names = [path.relative_to(self._root).as_posix() for path in changed]
            console.note(f"\nsaved: {columns.some(names)}")
            self._again(first=False)

    def _again(self, *, first: bool) -> None:
        try:
            self._cycle()
        except UsageError as error:
            if first:
                raise
            console.note(faults.told(error))
        except GitOpsError as error:
            console.note(faults.told(error))
        except OSError as error:  # a file that was there when it was listed, a full disk
            console.note(f"{error.filename or 'this machine'}: {error.strerror}; waiting for the next save")
        except SupersededError:
            console.note("saved while it ran: that run was stopped, and is begun anew")

    def _cycle(self) -> None:
        arguments = self._arguments
        which = ["--env", arguments.env, "--pipeline", arguments.pipeline]
        render.main(["--root", str(self._root), *which, "--components", "--lock"])
        here = Here(arguments, arguments.env)
        manifest, rendered = here.manifest(arguments.pipeline), here.folder.rendered[arguments.pipeline]
        made_of = f"{rendered.digest} {_content(self._root / 'components/src')}"
        if made_of == self._ran:
            console.note(f"{arguments.pipeline} is what it was: not run again")
            return
        self._ran = ""
        inner = here.folder.inner(arguments.pipeline)
        code = locally.run(arguments, manifest, inner, rendered, self._saves.pending)
        self._ran = made_of if code == ExitCode.OK else ""  # what failed is tried again on any save
        self._compare()

    def _compare(self) -> None:
        """With the run before it, of this loop."""
        before, self._last = self._last, of_here.newest(self._root, self._arguments.pipeline)[0]
        if before:
            found = compared.compare(of_here.side(before), of_here.side(self._last))
            console.result(f"since the run before (run.py --compare says all of it):\n{told.short(found)}")


def run(arguments: Namespace) -> int:
    """Watch until it is interrupted."""
    return Watching(arguments).run()


def _content(folder: Path) -> str:
    """Of the modules that steps import here."""
    found = hashlib.sha256()
    for path in _files(sorted(folder.rglob("*"))):
        found.update(f"{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    return (path for path in paths if path.is_file() and "__pycache__" not in path.parts)
