"""`import` of what other tools keep in Git: deployKF's recurring runs, resources of sky-uk/kfp-operator."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, InputError, Problem, UsageError, raise_if_any
from kfp_gitops.base.yamldump import dump
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.importing import compiled, placed, told
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


@dataclass(frozen=True)
class _Given:
    """What stands on the command line: files of these tools, compiled pipelines, and what is neither in a folder."""

    texts: Mapping[str, str]
    irs: Sequence[str]
    found: Sequence[str]
    left: Sequence[str]

    @classmethod
    def of(cls, paths: Sequence[str]) -> _Given:
        texts: dict[str, str] = {}
        irs: list[str] = []
        found: list[str] = []
        left: list[str] = []
        for path, named in _files(paths):
            text = files.text_of(str(Path(path).absolute()), path) if path.endswith(_YAML) else ""
            if foreign.is_foreign(text):
                texts[path] = text
            elif named:
                irs.append(path)
            else:
                (found if "pipelineInfo:" in text else left).append(path)
        return cls(texts, irs, found, left)


def _files(paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each file, and whether it was named itself: of a folder those that are YAML."""
    for path in paths:
        if Path(path).is_dir():
            names = (name for name in files.list_files(Path(path), ".") if name.endswith(_YAML))
            yield from ((str(Path(path) / name), False) for name in names)
        else:
            yield path, True


def are(paths: Sequence[str]) -> bool:
    """Whether files are of one of these tools; a folder can be nothing else."""
    folders = any(Path(path).is_dir() for path in paths)
    return folders or any(
        foreign.is_foreign(files.text_of(str(Path(path).absolute()), path))
        for path in paths
        if path.endswith(_YAML) and Path(path).is_file()
    )


def import_all(arguments: Namespace) -> int:
    """The pipelines whose IR is given, each with the schedules that the files ask for."""
    given = _Given.of(arguments.file)
    if not given.texts:
        raise UsageError(
            f"import.py: {', '.join(arguments.file)}: no file of a known tool is there; see --help"
        )
    found = foreign.read(given.texts, _beside)
    for problem in sorted(found.told):
        console.note(str(problem))
    irs = _irs([*arguments.ir, *given.irs], found)
    irs = {**_found_by_name(given.found, found), **irs}
    _say_left_out(given, found, irs)
    made = _made(arguments, found, irs)
    if arguments.check:
        _say_checked(made, irs)
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
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return None  # who wrote it does not choose what of this machine is read
    for folder in Path(path).absolute().parents:
        if name and (folder / name).is_file():
            return files.read_text(folder, name)
        if (folder / ".git").exists():
            return None
    return None


def _irs(given: Sequence[str], found: Found) -> dict[str, str]:
    """The file of each pipeline whose IR is given, as FILE or NAME=FILE.

    Raises:
        UsageError: one is for none of them.
    """
    irs: dict[str, str] = {}
    for one in given:
        name, _, file = one.rpartition("=")
        wanted = _called(found, name) if name else _alone(found, file)
        if len(wanted) != 1 or wanted[0].name in irs:
            known = ", ".join(found.pipelines) or "none"
            raise UsageError(
                f"import.py: {one}: of which pipeline is that the IR? write --ir NAME=FILE, NAME one of: {known}"
            )
        irs[wanted[0].name] = file
    return irs


def _found_by_name(paths: Sequence[str], found: Found) -> dict[str, str]:
    """Of the compiled pipelines of a folder those that are called as a pipeline is there."""
    named = {path: _name_in(path) for path in paths}
    return {one.name: path for path, name in named.items() for one in _called(found, name)}


def _called(found: Found, name: str) -> list[Wanted]:
    return [one for one in found.pipelines.values() if name in one.known_as]


def _alone(found: Found, file: str) -> list[Wanted]:
    """The one pipeline that there is, or the one that is called as the IR calls itself."""
    every = list(found.pipelines.values())
    return every if len(every) == 1 else _called(found, _name_in(file))


def _name_in(file: str) -> str:
    return str(_brought(file)[1].spec.value["pipelineInfo"]["name"])


def _brought(file: str) -> tuple[str, brought.Brought]:
    text, shown = packed.text_of(str(Path(file).absolute()), file)
    return text, brought.read(text, shown)


def _say_left_out(given: _Given, found: Found, irs: Mapping[str, str]) -> None:
    """Nothing is dropped in silence.

    Raises:
        InputError, UsageError: there is no IR at all, so that nothing can be imported.
    """
    if not irs:
        raise_if_any(one.missing for one in found.pipelines.values())
        raise UsageError("import.py: these files name no pipeline: there is nothing to import")
    for name, wanted in found.pipelines.items():
        if name not in irs:
            console.note(f"not imported: {wanted.missing}")
    for path in (*given.left, *(path for path in given.found if path not in irs.values())):
        console.note(f"not imported: {path} is no file of these tools, and the IR of none of their pipelines")
    if any("cron" in asked.schedule for name in irs for asked in found.pipelines[name].asked):
        console.note(_TIMES)


def _say_checked(made: Mapping[str, Imported], irs: Mapping[str, str]) -> None:
    for name, one in made.items():
        kept = f"  {shown}" if (shown := told.kept(one)) else ""
        number = len(one.values.get("schedules", ()))
        schedules = f"  {number} schedule{'' if number == 1 else 's'}"
        console.result(f"{'as sent' if one.told else 'equal':7}  {irs[name]}  {one.digest}{kept}{schedules}")


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
