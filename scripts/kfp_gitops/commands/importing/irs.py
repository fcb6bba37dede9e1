"""The IR that files of another tool want: a compiled pipeline, or a file of KFP's DSL that is compiled."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import UsageError, raise_if_any
from kfp_gitops.base.yamldump import dump
from kfp_gitops.commands import console
from kfp_gitops.commands.importing import dsl
from kfp_gitops.importing import foreign, packed, renamed
from kfp_gitops.importing.dslfile import functions
from kfp_gitops.importing.dslfile.functions import DslFile
from kfp_gitops.importing.foreign import Wanted
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.texts import plainly
from kfp_gitops.sources import brought

_TEMPLATE = "pipeline.yaml.j2"


@dataclass(frozen=True)
class Made:
    """The import of one pipeline of another tool, from an IR; `python`: its components that go on as Python."""

    file: str
    imported: Imported
    text: str
    source: DslFile | None = None
    python: functions.Written | None = None
    given: frozenset[str] = frozenset()
    """Variables that the DSL file was given."""
    triggers: tuple[Mapping[str, Any], ...] = ()
    """Not in the template yet: a pipeline that one names may have another name here."""


def name_in(file: str) -> str:
    """What a compiled pipeline is called in itself; "": it is a DSL file, which is not compiled for that."""
    if dsl.is_dsl(file):
        return ""
    text, shown = packed.text_of(str(Path(file).absolute()), file)
    return str(brought.read(text, shown).spec.value["pipelineInfo"]["name"])


def made(arguments: Namespace, wanted: Wanted, file: str, present: Mapping[str, str]) -> Made:
    """The import of a pipeline with what is asked for it.

    Raises:
        InputError: as `imported`; what is asked does not fit the IR.
        UsageError: a DSL file has several pipelines.
    """
    if dsl.is_dsl(file):
        return _of_python(arguments, wanted, file, present)
    text, shown = packed.text_of(str(Path(file).absolute()), file)
    fitted = _fitted(wanted, text, shown)
    if arguments.name:
        text = renamed.renamed(text, shown, arguments.name)
    found = imported(
        text, shown, present, arguments.owner, arguments.env, fitted.schedules, strict=arguments.strict
    )
    return Made(file, found, text, triggers=fitted.triggers)


def _of_python(arguments: Namespace, wanted: Wanted, file: str, present: Mapping[str, str]) -> Made:
    with _given(wanted.env):
        given = Namespace(**{**vars(arguments), "pass_env": [*arguments.pass_env, *wanted.env], "all": False})
        source, pipelines = dsl.read(given, file)
    if len(pipelines) != 1:
        raise UsageError(f"import.py: {file} has several pipelines; name one as FILE.py:NAME")
    (one,) = pipelines
    fitted = _fitted(wanted, one.text, f"{source.path}:{one.name}")
    (found,), python = dsl.in_python(arguments, source, pipelines, present, fitted.schedules)
    variables = frozenset([*arguments.pass_env, *wanted.env])
    return Made(file, found.imported, one.text, source, python, variables, fitted.triggers)


@contextmanager
def _given(env: Mapping[str, str]) -> Iterator[None]:
    """With variables that its tool has set while the pipeline is compiled."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def _fitted(wanted: Wanted, text: str, shown: str) -> foreign.Fitted:
    fitted = foreign.fitted(wanted, brought.read(text, shown))
    for problem in fitted.told:
        console.note(str(problem))
    raise_if_any(fitted.problems)
    if wanted.image and wanted.image not in text:
        todo = f"{wanted.made}, if its steps are to run in that image"
        what = f"no step of {shown} runs in {wanted.image}"
        console.note(str(wanted.document.problem(wanted.at, what, todo)))
    return fitted


def chained(made: Mapping[str, Made]) -> dict[str, Made]:
    """The same with their triggers, in which pipelines have the names that they have here; made are by their old ones.

    A trigger after a pipeline that is not imported with them is told, and left out.
    """
    names = {old: one.imported.name for old, one in made.items()}
    return {
        old: replace(one, imported=_with_triggers(one.imported, [*_renamed(one, names)]), triggers=())
        for old, one in made.items()
    }


def _renamed(one: Made, names: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for trigger in one.triggers:
        after = trigger["runOn"]
        if after == "change":
            yield trigger
        elif after["pipeline"] in names:
            yield {**trigger, "runOn": {**after, "pipeline": names[after["pipeline"]]}}
        else:
            console.note(
                f"the trigger {trigger['name']!r} of {one.imported.name!r} is left out: {after['pipeline']!r} is not "
                "imported with it; give its IR as well, or write the trigger (docs/triggers.md)"
            )


def _with_triggers(found: Imported, triggers: Sequence[Mapping[str, Any]]) -> Imported:
    """They stand in the template: whether a new release starts a run is no matter of an environment."""
    if not triggers:
        return found
    text = found.template[_TEMPLATE] + plainly(dump({"triggers": [dict(one) for one in triggers]}))
    return replace(found, template={**found.template, _TEMPLATE: text})
