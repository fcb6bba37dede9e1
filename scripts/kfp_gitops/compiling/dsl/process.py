"""A DSL file is compiled in a process of its own: another Python if need be, few variables, a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import UsageError

SECONDS = 120
"""Until it is ended; libraries as large as TensorFlow are imported within that."""
_MEGABYTES = 8192
_MOST_BYTES = 64 * 2**20
_SHOWN = 12
"""Lines of what it said last, where it ends without an answer."""
_SCRIPTS = Path(__file__).resolve().parents[3]
_START = (
    "import sys; sys.path[:1] = [sys.argv[1]]; from kfp_gitops.compiling.dsl import program; sys.path.pop(0); "
    "from pathlib import Path; program.main(Path(sys.argv[2]))"
)
_START_HERE = _START.replace("sys.path.pop(0); ", "")
_USUAL = re.compile(
    r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|LD_LIBRARY_PATH|DYLD_\w+|VIRTUAL_ENV|SYSTEMROOT|[A-Z]+_NUM_THREADS"
)
_OF_NETWORK = re.compile(
    r"(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE", re.IGNORECASE
)


@dataclass(frozen=True)
class Given:
    """What the process of a DSL file is given: its Python, variables by name, and the network if it needs it."""

    python: str = sys.executable
    pass_env: Sequence[str] = ()
    network: bool = False
    seconds: int = field(default_factory=lambda: SECONDS)


@dataclass(frozen=True)
class Around:
    """A DSL file and what stands around it: its package, where neighbours are looked for, where it is run from."""

    file: Path
    package: str
    first: Sequence[str]
    last: Sequence[str]
    folders: Sequence[Path] = field(default=())

    @classmethod
    def of(cls, file: Path) -> Around:
        """By the folders above the file, up to the root of its project."""
        file = file.resolve()
        top = file.parent
        while (top / "__init__.py").is_file() and top.parent != top:
            top = top.parent
        root = _project(file.parent)
        above = [one for one in (file.parent, *file.parent.parents) if one == root or root in one.parents]
        package = ".".join(file.parent.relative_to(top).parts)
        if not package and re.search(r"^\s*from\s+\.", file.read_text("utf-8", "replace"), re.MULTILINE):
            top, package = file.parent.parent, file.parent.name
        last = dict.fromkeys([str(top), *map(str, above), str(root / "src")])
        first = [str(file.parent), *([str(top)] if package else [])]
        return cls(file, package, first, list(last), above)

    @property
    def own(self) -> list[str]:
        """The folders whose code is the user's."""
        return [str(self.folders[-1]), *self.last[:1]]


def _project(folder: Path) -> Path:
    """The folder that has what roots of projects have; the file's own where there is none."""
    for one in (folder, *folder.parents):
        if any((one / name).exists() for name in (".git", "pyproject.toml", "setup.py", "setup.cfg")):
            return one
    return folder


def compiled(around: Around, wanted: Sequence[str], given: Given) -> Mapping[str, Any]:
    """What the file makes, as `program` tells it; `error` is why it does not.

    A file that it reads by a relative path is looked for from the folder of the DSL file and those above it.

    Raises:
        UsageError: there is no such Python.
    """
    request = {
        "file": str(around.file),
        "package": around.package,
        "first": around.first,
        "last": around.last,
        "own": around.own,
        "wanted": wanted,
    }
    left = list(around.folders)
    while True:
        folder = left.pop(0)
        answer = _answer(request, given, folder)
        missing = answer.get("error", {})
        if missing.get("kind") != "file" or Path(missing["name"]).is_absolute():
            return answer
        left = [one for one in left if (one / missing["name"]).exists()]
        if not left:
            return answer


def components(root: Path, names: Sequence[str], given: Given) -> Mapping[str, Any]:
    """What `components.py` makes of component.py files below a root, in this Python: a `text`, or an `error`."""
    request = {"own": [], "root": str(root), "components": list(names)}
    here = Given(sys.executable, given.pass_env, given.network, given.seconds)
    return _answer(request, here, _SCRIPTS, start=_START_HERE)


def kept(root: Path, template: str, given: Given) -> Mapping[str, Any]:
    """What `components.py` makes of a template's pipeline.py below a root: a `text`, or `problems`."""
    request = {"own": [], "root": str(root), "template": template}
    here = Given(sys.executable, given.pass_env, given.network, given.seconds)
    return _answer(request, here, _SCRIPTS, start=_START_HERE)


def _answer(request: Mapping[str, Any], given: Given, folder: Path, start: str = _START) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="kfp-gitops-dsl-", ignore_cleanup_errors=True) as room:
        asked = Path(room, "request.json")
        limits = {"seconds": given.seconds, "megabytes": _MEGABYTES, "network": given.network}
        asked.write_text(json.dumps({**request, **limits}), "utf-8")
        with Path(room, "output").open("wb") as output:
            ended = _run([given.python, "-c", start, str(_SCRIPTS), str(asked)], given, folder, room, output)
        answer = asked.with_name("answer.json")
        if answer.is_file() and answer.stat().st_size <= _MOST_BYTES:
            found: Mapping[str, Any] = json.loads(answer.read_text("utf-8"))
            return found
        return {"error": {"kind": ended, "type": "", "name": "", "message": _last(Path(room, "output"))}}


def _run(command: Sequence[str], given: Given, folder: Path, room: str, output: Any) -> str:
    """How it ended: `time`, or `ended` with its code."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(given, room),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"import.py: {given.python} cannot be started: {error.strerror}") from None
    try:
        return f"ended {process.wait(given.seconds)}"
    except subprocess.TimeoutExpired:
        return "time"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(given: Given, room: str) -> dict[str, str]:
    """What a program needs to start, a home and a folder for files of its own, and what was named."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in given.pass_env
        or _USUAL.fullmatch(name)
        or (given.network and _OF_NETWORK.fullmatch(name) and "@" not in value)
    }
    own = {"HOME": room, "TMPDIR": room, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    base = {"PYTHONUSERBASE": str(Path.home() / ".local")}  # of `pip install --user`, which HOME would hide
    return {**base, **passed, **own}


def _last(output: Path) -> str:
    lines = output.read_text("utf-8", "replace").strip().splitlines()
    return " ⏎ ".join(line.strip() for line in lines[-_SHOWN:] if line.strip())[-2000:]
