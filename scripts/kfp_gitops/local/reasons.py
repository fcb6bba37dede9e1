"""Why a run on this machine failed: the end of the log of what failed first, at the lines of component.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp_gitops.local.job import Progress

_SHOWN = 12
"""Lines that are told where there is no traceback."""
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')
_PROGRAM = "ephemeral_component.py"
"""As KFP's SDK calls the file that it writes a component's function to."""
_INPUT, _OWN = "Got executor_input:", "[KFP Executor "
_HINTS = (
    (
        r"NameError: name '(?!_)\w+' is not defined",
        "a step's function runs alone: import and define inside it what it uses, or in a module of components/src "
        "(docs/own-code.md)",
    ),
    (
        r"ModuleNotFoundError: No module named",
        "install the package in .venv, or put the module into components/src; and where the step's image gets it from "
        "says docs/own-code.md",
    ),
    (
        r"TypeError: object of type '\w+' has no len\(\)",
        "if the function's annotation names outputs (NamedTuple), it returns all of them as a tuple: return (value,)",
    ),
    (r"ValueError: Function `\w+` returned value of type", "return what the function's annotation says"),
)


def told(progress: Progress, folder: Path, root: Path) -> Iterator[str]:
    """As lines for people; nothing where nothing failed."""
    if progress.state != "FAILED" or not progress.failed:
        return
    name, log = progress.failed[0]
    try:
        lines = _after_input((folder / log).read_text("utf-8", "replace").splitlines())
    except OSError:  # a log that was never begun
        return
    said = list(_traceback(lines, progress.spec, root)) or [line for line in lines if line.strip()][-_SHOWN:]
    if said:
        yield f"  why {name} failed, by the end of its log:"
        yield from (f"    | {line}" for line in said)
    yield from (
        f"  {hint}" for pattern, hint in _HINTS if any(re.search(pattern, line) for line in said[-1:])
    )


def _after_input(lines: Sequence[str]) -> list[str]:
    """The step's own words: behind what the SDK's executor writes of all that it was given."""
    begun = [number for number, line in enumerate(lines) if line.endswith(_INPUT)]
    ends = [number for number, line in enumerate(lines) if line == "}" and begun and number > begun[-1]]
    found = lines[ends[0] + 1 :] if ends else lines
    return [line for line in found if not line.startswith(_OWN)]


def _traceback(lines: Sequence[str], spec: Mapping[str, Any], root: Path) -> Iterator[str]:
    """The last one, from the step's function on: before it is the SDK's, and alone its last line is told."""
    starts = [number for number, line in enumerate(lines) if line == _TRACEBACK]
    if not starts:
        return
    frames = lines[starts[-1] + 1 :]
    inside = [number for number, line in enumerate(frames) if _PROGRAM in line]
    own = frames[inside[0] :] if inside else [line for line in frames if line and not line.startswith(" ")]
    for line in own[-_SHOWN * 2 :]:
        frame = _FRAME.fullmatch(line)
        yield _at(frame, spec, root) if frame else line


def _at(frame: re.Match[str], spec: Mapping[str, Any], root: Path) -> str:
    """A frame at the place where people find it."""
    file, line, function = Path(frame["file"]), int(frame["line"]), frame["function"]
    if file.name == _PROGRAM:
        file, line = _in_component(function, line, spec, root) or (file, line)
    path = file.relative_to(root) if file.is_relative_to(root) else file
    return f"{path}:{line}, in {function}"


def _in_component(function: str, line: int, spec: Mapping[str, Any], root: Path) -> tuple[Path, int] | None:
    """The same line of component.py: the SDK takes the function's text as it is, from its `def` on."""
    path = root / f"components/{function}/component.py"
    definition = f"def {function}("
    executors = ((spec.get("deploymentSpec") or {}).get("executors") or {}).values()
    words = [word for one in executors for word in (one.get("container") or {}).get("command") or ()]
    program = next((word for word in words if definition in word), "")
    if not program or not path.is_file():
        return None
    there, here = (_line_of(definition, text) for text in (program, path.read_text("utf-8")))
    return (path, line - there + here) if there and here else None


def _line_of(words: str, text: str) -> int:
    return next((number for number, line in enumerate(text.splitlines(), 1) if words in line), 0)
