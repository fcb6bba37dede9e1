"""`import FILE.py[:pipeline] --keep`: a DSL file stays as it is, as pipeline.py beside a template that names its IR."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, InputError, Problem, UsageError, raise_if_any
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.importing import compiled, dsl, placed, trial
from kfp_gitops.compiling.dsl import process
from kfp_gitops.importing import keeping
from kfp_gitops.importing.dslfile import told
from kfp_gitops.importing.dslfile.functions import DslFile, Pipeline
from kfp_gitops.importing.imported import Imported
from kfp_gitops.importing.written import Written, written
from kfp_gitops.sources import compiledfrom
from kfp_gitops.sources.compiledfrom import PIPELINE_IR, PIPELINE_SOURCE, Compilation

_LINT = """# These files stand as they were written: another form of a function would be another step.
extend-exclude = ["*.py"]
"""
_TODO = (
    "install what it imports, keep its neighbours with it, or import what it compiles to: leave --keep out"
)


def import_kept(arguments: Namespace) -> int:
    """Copy it with the modules beside it, compile, prove, write and render it; tell what comes next."""
    root, (argument,) = arguments.root, arguments.file
    env = compiled.beginning(arguments)
    file, pipelines = dsl.read(arguments, argument)
    if len(pipelines) > 1:
        raise UsageError("import.py: a folder keeps one pipeline; name it as FILE.py:NAME")
    (one,) = pipelines
    name = arguments.name or keeping.pipeline_name(one)
    template = compiled.template(arguments.into, name)
    compiled.refuse_taken(root, env, name, template)
    kept = compiledfrom.pipeline(template)
    texts = keeping.sources(file, one, template)
    text = _compiled(arguments, kept, texts, file)
    try:
        found = keeping.imported(text, f"{file.path}:{one.name}", name, arguments.owner, arguments.env)
    except InputError as error:
        there = replace(one, text=text)
        raise InputError(told.in_dsl(error.problems, f"{file.path}:{one.name}", file, there)) from None
    made = written(root, env.name, {template: found}, home=placed.home(arguments))
    made = _with_sources(made, kept, texts)
    placed.place(root, env.name, made)
    placed.tell_given(made, arguments.pass_env)
    _tell(arguments, file, one, found, kept, text)
    return ExitCode.OK


def _compiled(arguments: Namespace, kept: Compilation, texts: Mapping[str, str], file: DslFile) -> str:
    """What `components.py` will make of it, made in a process of its own, where nothing else is.

    Raises:
        InputError: it does not compile in its new place.
    """
    given = process.Given(pass_env=tuple(arguments.pass_env), network=arguments.network)
    with tempfile.TemporaryDirectory(prefix="kfp-gitops-kept-") as folder:
        for name, text in texts.items():
            files.write_text(Path(folder), f"{kept.folder}/{name}", text)
        answer = process.kept(Path(folder), kept.name, given)
    if error := answer.get("error"):
        raise InputError.of(file.path, f"it cannot be kept: {error['message'] or error['kind']}", _TODO)
    raise_if_any(_in_file(Problem.of(one), kept, file) for one in answer.get("problems", ()))
    return str(answer["text"])


def _in_file(problem: Problem, kept: Compilation, file: DslFile) -> Problem:
    """Where its author has it: what is copied has the lines of the file."""
    path = file.path if problem.path == kept.source_path else problem.path
    return replace(problem, path=path, what=f"kept beside a template: {problem.what}", todo=_TODO)


def _with_sources(made: Written, kept: Compilation, texts: Mapping[str, str]) -> Written:
    own = {f"{kept.folder}/{name}": text for name, text in {**texts, ".ruff.toml": _LINT}.items()}
    return replace(made, texts={**own, **made.texts})


def _tell(
    arguments: Namespace, file: DslFile, one: Pipeline, found: Imported, kept: Compilation, text: str
) -> None:
    for note in told.notes(file, set(arguments.pass_env)):
        console.note(note)
    console.result(f"{kept.source_path} is {file.path}, compiled to {PIPELINE_IR}")
    compiled.tell_proof(replace(found, whole=False, kept={}), f"{file.path}:{one.name}")
    compiled.tell_images(arguments.env, found.images)
    begun.say(
        trial.command(arguments.env, found.name, text),
        f"edit {kept.folder}/{PIPELINE_SOURCE}, then `make render` and `python scripts/diff.py --env {arguments.env}`",
        *trial.after(arguments.env, found.images),
    )
