"""`import FILE.py[:pipeline]`: pipelines of KFP's DSL as files of this repository, their components as Python."""

from __future__ import annotations

import re
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import ExitCode, InputError, UsageError, raise_if_any
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.common import Parser
from kfp_gitops.commands.importing import compiled, placed, trial
from kfp_gitops.compiling.dsl import process
from kfp_gitops.importing import renamed
from kfp_gitops.importing.dslfile import functions, told
from kfp_gitops.importing.dslfile.functions import DslFile, Pipeline
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.written import Written, written

_FILE = re.compile(r"(?P<file>.+\.py)(?::(?P<names>[\w.,-]+))?")
_CHOSEN = re.compile(r"(?P<file>.+\.(?:ya?ml|json|zip|tar\.gz)):[\w.,-]+")


def is_dsl(argument: str) -> bool:
    """Whether FILE is Python."""
    return _FILE.fullmatch(argument) is not None


def add(parser: Parser) -> None:
    """The options of Python files."""
    group = parser.add_argument_group("files of KFP's DSL (FILE.py)")
    group.add_argument(
        "--keep", action="store_true", help="let it stay Python: a whole pipeline.py beside its template"
    )
    group.add_argument("--all", action="store_true", help="every pipeline of the file")
    group.add_argument(
        "--python", metavar="PYTHON", help="the Python that has what the file imports (default: this one)"
    )
    group.add_argument(
        "--pass-env", action="append", default=[], metavar="NAME",
        help="a variable that the file reads; repeatable",
    )  # fmt: skip
    group.add_argument(
        "--network", action="store_true", help="let it use the network, as load_component_from_url does"
    )


def refuse_misfit(arguments: Namespace) -> None:
    """Options, and names of pipelines, that mean something of Python alone.

    Raises:
        UsageError: no file is Python.
    """
    for one in arguments.file:
        if (found := _CHOSEN.fullmatch(one)) and not Path(one).exists():
            raise UsageError(
                f"import.py: {one}: `:NAME` chooses a pipeline of a Python file, and a compiled file has one; write "
                f"{found['file']}, and --name where it shall be called otherwise"
            )
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("all", "python", "pass_env", "network")
        if getattr(arguments, name)
    ]
    files = (*arguments.file, *(one.rpartition("=")[2] for one in arguments.ir))
    if given and not any(map(is_dsl, files)):
        raise UsageError(f"import.py: {', '.join(given)} goes with FILE.py, a file of KFP's DSL")


@dataclass(frozen=True)
class Found:
    """A pipeline of a DSL file, as an import has it."""

    pipeline: Pipeline
    imported: Imported


def read(arguments: Namespace, argument: str) -> tuple[DslFile, list[Pipeline]]:
    """The file, imported in a process of its own, and the pipelines that are meant.

    Raises:
        InputError: what is wrong with the file, at its line.
        UsageError: it is not said which of its pipelines is meant.
    """
    match = _FILE.fullmatch(argument)
    assert match is not None
    given = match["file"]
    path = Path(given)
    if not path.is_file():
        raise InputError.of(given, "there is no such file", "name a file of KFP's DSL")
    around = process.Around.of(path)
    names = [name for name in (match["names"] or "").split(",") if name]
    answer = process.compiled(around, names, _given(arguments))
    found = DslFile(given, around.file, answer)
    failed = [answer["error"]] if "error" in answer else []
    pipelines = [] if failed else found.chosen(names, every=arguments.all)
    failed += [one.error for one in pipelines if one.error]
    raise_if_any(told.problem(one, given, around.file, _python(arguments)) for one in failed)
    return found, pipelines


def _given(arguments: Namespace) -> process.Given:
    python = arguments.python or process.Given().python
    return process.Given(python, tuple(arguments.pass_env), arguments.network)


def _python(arguments: Namespace) -> str:
    return str(arguments.python or process.Given().python)


def each(
    arguments: Namespace,
    file: DslFile,
    pipelines: list[Pipeline],
    present: Mapping[str, str],
    schedules: Sequence[Mapping[str, Any]] = (),
) -> Iterator[Found]:
    """The import of each pipeline; what an earlier one has of components is there for a later one.

    `schedules` are what each of them is run by.

    Raises:
        InputError: as `imported`, at the lines of the DSL file.
    """
    there = dict(present)
    for one in pipelines:
        label = f"{file.path}:{one.name}"
        try:
            text = renamed.renamed(one.text, label, arguments.name) if arguments.name else one.text
            found = imported(
                text, label, there, arguments.owner, arguments.env, schedules, strict=arguments.strict
            )
        except InputError as error:
            raise InputError(told.in_dsl(error.problems, label, file, one)) from None
        kept = {name: tuple(told.in_dsl(why, label, file, one)) for name, why in found.kept.items()}
        there |= found.specs
        yield Found(one, replace(found, kept=kept))


def import_dsl(arguments: Namespace) -> int:
    """Compile, import, prove, write and render it; tell what comes next."""
    root, (argument,) = arguments.root, arguments.file
    env = compiled.beginning(arguments)
    file, pipelines = read(arguments, argument)
    if len(pipelines) > 1 and (arguments.into or arguments.name):
        raise UsageError("import.py: --into and --name are for one pipeline; name it as FILE.py:NAME")
    founds, python = in_python(arguments, file, pipelines, compiled.present(root))
    templates = {compiled.template(arguments.into, one.imported.name): one.imported for one in founds}
    for template, one in templates.items():
        compiled.refuse_taken(root, env, one.name, template)
    made = written(root, env.name, templates, home=placed.home(arguments))
    made = with_python(made, python)
    placed.place(root, env.name, made)
    placed.tell_given(made, arguments.pass_env)
    _tell(arguments, file, founds, python)
    return ExitCode.OK


def in_python(
    arguments: Namespace,
    file: DslFile,
    pipelines: list[Pipeline],
    present: Mapping[str, str],
    schedules: Sequence[Mapping[str, Any]] = (),
) -> tuple[list[Found], functions.Written]:
    """The imports, with the components that go on as Python, and these.

    Raises:
        InputError: as `each`.
    """
    first = list(each(arguments, file, pipelines, present, schedules))
    specs = {name: text for one in first for name, text in one.imported.specs.items()}
    python = functions.as_python(file, specs, _prove)
    again = {**present, **python.specs}
    if not python.specs:
        return first, python
    try:
        return list(each(arguments, file, pipelines, again, schedules)), python
    except InputError:  # it was so with the specs as they were
        return first, python.given_up("the pipeline would not be the same with it")


def with_python(made: Written, python: functions.Written) -> Written:
    """What is written, with the components that go on as Python."""
    own: dict[str, str] = {}
    for name, text in python.python.items():
        own |= {
            f"components/{name}/component.py": text,
            f"components/{name}/component.yaml": python.specs[name],
        }
    return replace(made, texts={**own, **made.texts})


def _prove(texts: Mapping[str, str]) -> Mapping[str, Mapping[str, Any]]:
    """What `components.py` makes of them, in a process of their own, as the file had."""
    with tempfile.TemporaryDirectory(prefix="kfp-gitops-components-") as folder:
        for name, text in texts.items():
            path = Path(folder, "components", name, "component.py")
            path.parent.mkdir(parents=True)
            path.write_text(text, "utf-8")
        answer = process.components(Path(folder), list(texts), process.Given())
    if error := answer.get("error"):
        return {name: {"error": error["message"]} for name in texts}
    found: Mapping[str, Mapping[str, Any]] = answer["components"]
    return found


def tell_python(file: DslFile, python: functions.Written, given: set[str]) -> None:
    """What the file was not given, and which components stay YAML."""
    for note in told.notes(file, given):
        console.note(note)
    for name, reason in python.kept.items():
        console.result(f"components/{name} stays component.yaml: {reason}")


def _tell(arguments: Namespace, file: DslFile, founds: list[Found], python: functions.Written) -> None:
    env = arguments.env
    tell_python(file, python, set(arguments.pass_env))
    for one in founds:
        for note in told.lists(file, one.pipeline):
            console.note(note)
        compiled.tell_proof(one.imported, f"{file.path}:{one.pipeline.name}")
    compiled.tell_images(env, (image for one in founds for image in one.imported.images))
    steps = [trial.command(env, one.imported.name, one.pipeline.text) for one in founds]
    if python.python:
        steps.append(
            f"edit components/NAME/component.py, then `make render` and `python scripts/diff.py --env {env}`"
        )
    begun.say(*steps, *trial.after(env, [image for one in founds for image in one.imported.images]))
