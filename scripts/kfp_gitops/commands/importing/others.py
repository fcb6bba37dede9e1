"""`import` of what other tools keep in Git: deployKF's recurring runs, resources of sky-uk/kfp-operator."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, InputError, Problem, UsageError, raise_if_any
from kfp_gitops.base.yamldump import dump
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.importing import compiled, placed
from kfp_gitops.importing import foreign, packed, renamed
from kfp_gitops.importing.foreign import Found, Wanted
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.written import written
from kfp_gitops.sources import brought

_TEMPLATE = "pipeline.yaml.j2"
_YAML = (".yaml", ".yml")
_TIMES = (
    "times are UTC, as they were: KFP's server reads crons so, unless its CRON_SCHEDULE_TIMEZONE says another zone, "
    "which then holds for these as well"
)


def texts(paths: Sequence[str]) -> dict[str, str]:
    """The text of each file, of a folder that of each YAML file in it; none of any where one is no text of its own.

    Raises:
        InputError: no such file.
    """
    return {
        path: files.text_of(str(Path(path).absolute()), path) for given in paths for path in _files(given)
    }


def _files(given: str) -> Iterator[str]:
    if Path(given).is_dir():
        yield from (
            str(Path(given) / name) for name in files.list_files(Path(given), ".") if name.endswith(_YAML)
        )
    else:
        yield given


def are(paths: Sequence[str]) -> bool:
    """Whether files are of one of these tools."""
    found = [path for path in paths if Path(path).is_dir() or path.endswith(_YAML)]
    return any(Path(path).is_dir() for path in found) or any(
        foreign.is_foreign(text) for text in texts([path for path in found if Path(path).is_file()]).values()
    )


def import_all(arguments: Namespace) -> int:
    """The pipelines whose IR is given, each with the schedules that the files ask for."""
    given = {path: text for path, text in texts(arguments.file).items() if foreign.is_foreign(text)}
    if not given:
        raise UsageError(
            f"import.py: {', '.join(arguments.file)}: no file of a known tool is there; see --help"
        )
    found = foreign.read(given, _beside)
    irs = _irs(arguments, found)
    _say_untold(found, irs)
    made = _made(arguments, found, irs)
    if arguments.check:
        return ExitCode.OK
    env = compiled.beginning(arguments)
    templates = {compiled.template(arguments.into, one.name): one for one in made.values()}
    for template, one in templates.items():
        compiled.refuse_taken(arguments.root, env, one.name, template)
    placed.place(arguments.root, env.name, written(arguments.root, env.name, templates))
    for name, one in made.items():
        compiled.tell_proof(one, irs[name])
    compiled.tell_images(env.name, (image for one in made.values() for image in one.images))
    begun.say(
        "look at the schedules in the values, then turn those off that the other tool made (docs/migrate.md): "
        "else each run starts twice",
        *(f"python scripts/run.py --env {env.name} --pipeline {one.name} --local" for one in made.values()),
        "python scripts/render.py --all --lock",
    )
    return ExitCode.OK


def _beside(path: str, name: str) -> str | None:
    """A file of the repository that a path is in, by its path there: in the path's folder, or one above it."""
    for folder in Path(path).absolute().parents:
        file = folder / name
        if file.is_file():
            return files.text_of(str(file), str(file))
    return None


def _irs(arguments: Namespace, found: Found) -> dict[str, str]:
    """The file of each pipeline whose IR is there.

    Raises:
        UsageError, InputError: an --ir is for none of them; there is none at all.
    """
    irs: dict[str, str] = {}
    for given in arguments.ir:
        name, _, file = given.rpartition("=")
        wanted = (
            [one for one in found.pipelines.values() if name in one.known_as] if name else _alone(found, file)
        )
        if len(wanted) != 1:
            known = ", ".join(found.pipelines) or "none"
            raise UsageError(
                f"import.py: --ir {given}: which pipeline is that? write --ir NAME=FILE, NAME one of: {known}"
            )
        irs[wanted[0].name] = file
    if not irs:
        raise_if_any(one.missing for one in found.pipelines.values())
        raise UsageError("import.py: these files name no pipeline: there is nothing to import")
    return irs


def _alone(found: Found, file: str) -> list[Wanted]:
    """The one pipeline that there is, or the one that is called as the IR calls itself."""
    every = list(found.pipelines.values())
    if len(every) == 1:
        return every
    name = _brought(file)[1].spec.value["pipelineInfo"]["name"]
    return [one for one in every if name in one.known_as]


def _brought(file: str) -> tuple[str, brought.Brought]:
    text, shown = packed.text_of(str(Path(file).absolute()), file)
    return text, brought.read(text, shown)


def _say_untold(found: Found, irs: Mapping[str, str]) -> None:
    """Nothing is dropped in silence: fields, and pipelines whose IR nobody gave."""
    for problem in sorted(found.told):
        console.note(str(problem))
    for name, wanted in found.pipelines.items():
        if name not in irs:
            console.note(f"not imported: {wanted.missing}")
    if any("cron" in asked.schedule for name in irs for asked in found.pipelines[name].asked):
        console.note(_TIMES)


def _made(arguments: Namespace, found: Found, irs: Mapping[str, str]) -> dict[str, Imported]:
    """The import of each, with the components of those before it."""
    if (arguments.name or arguments.into) and len(irs) > 1:
        raise UsageError("import.py: --name and --into are for one pipeline, and these are several")
    made: dict[str, Imported] = {}
    problems: list[Problem] = []
    present = compiled.present(arguments.root)
    for name, file in irs.items():
        try:
            made[name] = _one(arguments, found.pipelines[name], file, present)
            present |= made[name].specs
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return made


def _one(arguments: Namespace, wanted: Wanted, file: str, present: Mapping[str, str]) -> Imported:
    text, ir = _brought(file)
    fitted = foreign.fitted(wanted, ir)
    for problem in fitted.told:
        console.note(str(problem))
    raise_if_any(fitted.problems)
    if wanted.image and wanted.image not in text:
        todo = f"{wanted.made}, if its steps are to run in that image"
        what = f"no step of {file} runs in {wanted.image}"
        console.note(str(wanted.document.problem(wanted.at, what, todo)))
    if arguments.name:
        text = renamed.renamed(text, file, arguments.name)
    found = imported(
        text, file, present, arguments.owner, arguments.env, fitted.schedules, strict=arguments.strict
    )
    return _with_triggers(found, fitted.triggers)


def _with_triggers(found: Imported, triggers: Sequence[Mapping[str, Any]]) -> Imported:
    """They stand in the template: whether a new release starts a run is no matter of an environment."""
    if not triggers:
        return found
    text = found.template[_TEMPLATE] + dump({"triggers": [dict(one) for one in triggers]})
    return replace(found, template={**found.template, _TEMPLATE: text})
