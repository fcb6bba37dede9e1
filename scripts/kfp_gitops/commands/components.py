"""`components`: compile each components/<name>/component.py to the component.yaml beside it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, InputError, Problem, raise_if_any
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse

HEADER = "# Compiled from component.py by `python scripts/components.py`; edit that, not this.\n"
_EXAMPLES = """  python scripts/components.py            compile every components/*/component.py
  python scripts/components.py --check    exit 1 when a component.yaml is not what its component.py compiles to"""


def main(argv: Sequence[str] | None = None) -> int:
    """Compile the Python components; folders with only a component.yaml are hand-written and left alone."""
    parser = Parser(
        "components.py", "Compile component wrappers to Component YAML specs (needs kfp).", _EXAMPLES
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    arguments = parse(parser, argv)
    root: Path = arguments.root
    wanted = _all_compiled(root)
    changed = [name for name, text in wanted.items() if _present(root, name) != text]
    for name in changed:
        console.result(f"change components/{name}/component.yaml")
        if not arguments.check:
            files.write_text(root, _spec_path(name), wanted[name])
    if changed and arguments.check:
        console.note("run `python scripts/components.py` and commit")
        return ExitCode.DIFFERENCES
    return ExitCode.OK


def _all_compiled(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for name in _python_components(root):
        try:
            found[name] = _compiled(root, name)
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return found


def _python_components(root: Path) -> list[str]:
    return [name for name in files.list_folders(root, "components") if (root / _wrapper_path(name)).is_file()]


def _wrapper_path(name: str) -> str:
    return f"components/{name}/component.py"


def _spec_path(name: str) -> str:
    return f"components/{name}/component.yaml"


def _present(root: Path, name: str) -> str | None:
    path = root / _spec_path(name)
    return path.read_text("utf-8") if path.is_file() else None


def _compiled(root: Path, name: str) -> str:
    """Without the SDK's own comment, whose defaults stand in another order in each process."""
    from kfp_gitops.compiling.compiler import emit

    return HEADER + emit.text(emit.documents(_wrapper(root, name)))


def _wrapper(root: Path, name: str) -> Any:
    path = _wrapper_path(name)
    spec = spec_from_file_location(f"component_{name}", root / path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        what = f"cannot be imported: {type(error).__name__}: {said}"
        raise InputError.of(path, what, "correct it", *_place(error, str(root / path))) from error
    finally:
        sys.dont_write_bytecode = before
    if not hasattr(module, name):
        raise InputError.of(path, f"no component named {name!r}", "name the function like its folder")
    return getattr(module, name)


def _place(error: Exception, file: str) -> tuple[int, int]:
    """Line and column of the file at which importing it ended; 0, 0 for the whole file."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0, error.offset or 1
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
    return (lines[-1] or 0, 1) if lines else (0, 0)
