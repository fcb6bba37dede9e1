"""`components`: compile each component.py to the component.yaml beside it, each pipeline.py to its compiled.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, Problem, attempted, raise_if_any
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.sources import compiledfrom
from kfp_gitops.sources.compiledfrom import Compilation

_EXAMPLES = """  python scripts/components.py            compile every component.py and every pipeline.py
  python scripts/components.py --check    exit 1 when a compiled file is not what its Python compiles to

components/NAME/component.py holds a function NAME with @dsl.component or @dsl.container_component; its spec is written
to component.yaml. templates/pipelines/NAME/pipeline.py holds a whole pipeline of KFP's DSL (@dsl.pipeline: the only
one, the one called `pipeline`, or the one of the folder's name); its IR is written to compiled.yaml, which the template
beside it names (`ir: compiled.yaml`). Both are run for that, and by nothing else. A compiled file ends with the digests
of the files that were read for it: by these render.py and run.py --local say what was edited and not compiled, without
running it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Compile the Python of components and pipelines; what has none is hand-written and left alone."""
    parser = Parser(
        "components.py", "Compile components and pipelines written in Python (needs kfp).", _EXAMPLES
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    arguments = parse(parser, argv)
    changed = _compile(arguments.root, compiledfrom.every(arguments.root), write=not arguments.check)
    for path in changed:
        console.result(f"change {path}")
    if changed and arguments.check:
        console.note("run `python scripts/components.py` and commit")
        return ExitCode.DIFFERENCES
    return ExitCode.OK


def compile_stale(root: Path, among: Iterable[Compilation]) -> list[str]:
    """Compile what was edited since it was compiled, and tell which; the paths of what was written.

    Raises:
        InputError: something cannot be compiled; of all that can nothing is written then.
    """
    left = [one for one in among if any(compiledfrom.problems(root, one))]
    for one in left:
        console.note(f"{one.source_path}: compiling it into {one.target}")
    return _compile(root, left, write=True) if left else []


def _compile(root: Path, wanted: Iterable[Compilation], *, write: bool) -> list[str]:
    """The paths of what differed: components first, for a pipeline may read what they are compiled to."""
    changed: list[str] = []
    problems: list[Problem] = []
    kinds: tuple[list[Compilation], list[Compilation]] = ([], [])
    for one in wanted:
        kinds[one.is_pipeline].append(one)
    for kind in kinds:
        texts = {one.target_path: attempted(problems, partial(_compiled, root, one)) for one in kind}
        new = {path: text for path, text in texts.items() if text and _present(root, path) != text}
        changed += new
        for path, text in new.items() if write and not problems else ():
            files.write_text(root, path, text)
    raise_if_any(problems)
    return changed


def _compiled(root: Path, one: Compilation) -> str:
    from kfp_gitops.compiling import pythonfile

    return pythonfile.compiled(root, one)


def _present(root: Path, path: str) -> str | None:
    return files.read_text(root, path) if (root / path).is_file() else None
