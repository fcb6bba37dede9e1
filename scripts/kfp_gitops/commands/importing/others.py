"""`import` of what other tools keep in Git: deployKF's recurring runs, resources of sky-uk/kfp-operator."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kfp_gitops.base import columns, files
from kfp_gitops.base.errors import ExitCode, InputError, Problem, UsageError, raise_if_any
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.importing import compiled, dsl, irs, placed, told, trial
from kfp_gitops.commands.importing.irs import Made
from kfp_gitops.importing import foreign, otherpython
from kfp_gitops.importing.foreign import Found, Wanted
from kfp_gitops.importing.written import written
from kfp_gitops.sources.environment import Environment

_PYTHON = ".py"
_YAML = (".yaml", ".yml", ".json")
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


def refuse_python(paths: Sequence[str]) -> None:
    """Python files that are of other tools.

    Raises:
        InputError: which tool, at the line that imports it, and the way on.
    """
    named = (path[: path.index(_PYTHON) + len(_PYTHON)] for path in paths if _PYTHON in path)
    there = [path for path in named if Path(path).is_file()]
    found = (otherpython.what_it_is(files.text_of(str(Path(path).absolute()), path), path) for path in there)
    raise_if_any(problem for problem in found if problem)


def import_all(arguments: Namespace) -> int:
    """The pipelines whose IR is given, each with the schedules that the files ask for."""
    given = _Given.of(arguments.file)
    if not given.texts:
        raise _nothing(arguments.file, given)
    found = foreign.read(given.texts, _beside)
    for problem in sorted(found.told):
        console.note(str(problem))
    files_of = {**_found_by_name(given.found, found), **_files_of([*arguments.ir, *given.irs], found)}
    _say_left_out(given, found, files_of)
    made = _made(arguments, found, files_of)
    if arguments.check:
        _say_checked(made)
        return ExitCode.OK
    env = compiled.beginning(arguments)
    _write(arguments, env, made)
    _tell(env.name, made)
    return ExitCode.OK


def _nothing(paths: Sequence[str], given: _Given) -> UsageError:
    """Of a folder the files of other tools are read, and it has none; pipelines in it are imported by their names."""
    folders = [Path(path) for path in paths if Path(path).is_dir()]
    python = [
        str(at / name) for at in folders for name in files.list_files(at, ".") if _is_pipeline(at / name)
    ]
    there = columns.some([*given.found, *python], 5)
    name = f"; of compiled pipelines and Python files name the one that is meant: {there}" if there else ""
    return UsageError(
        f"import.py: {', '.join(paths)}: no resources of sky-uk/kfp-operator and no recurring runs of deployKF are "
        f"there, for which a folder is read{name}; see --help"
    )


def _is_pipeline(path: Path) -> bool:
    """Whether a file of a folder looks like a pipeline of KFP's DSL."""
    return path.suffix == _PYTHON and all(word in path.read_bytes() for word in (b"kfp", b"pipeline"))


def _write(arguments: Namespace, env: Environment, made: Mapping[str, Made]) -> None:
    templates = {compiled.template(arguments.into, one.imported.name): one.imported for one in made.values()}
    for template, one in templates.items():
        compiled.refuse_taken(arguments.root, env, one.name, template)
    every = written(arguments.root, env.name, templates, home=placed.home(arguments))
    for source in made.values():
        every = dsl.with_python(every, source.python) if source.python else every
    placed.place(arguments.root, env.name, every)
    placed.tell_given(every, arguments.pass_env)


def _tell(env: str, made: Mapping[str, Made]) -> None:
    for one in made.values():
        if one.source and one.python:
            dsl.tell_python(one.source, one.python, set(one.given))
        compiled.tell_proof(one.imported, one.file)
    imports = [one.imported for one in made.values()]
    compiled.tell_images(env, (image for one in imports for image in one.images))
    begun.say(
        "look at the schedules in the values, then turn those off that the other tool made (docs/migrate.md): "
        "else each run starts twice",
        *(trial.command(env, one.imported.name, one.text) for one in made.values()),
        *trial.after(env, [image for one in imports for image in one.images]),
    )


def _beside(path: str, name: str) -> str | None:
    """A file of the repository that a path is in, by its path there: in the path's folder, or one above it.

    Who wrote it does not choose what of this machine is read: nothing hidden, as `.git/config` or `.ssh`, whose text
    would become a value in Git, and nothing above the repository.
    """
    wanted = PurePosixPath(name)
    if not name or wanted.is_absolute() or any(part.startswith(".") for part in wanted.parts):
        return None
    return next((files.read_text(one, name) for one in _around(path) if (one / wanted).is_file()), None)


def _around(path: str) -> list[Path]:
    """The folder of a file and those above it, up to its repository; outside of one no more than the next above."""
    above = list(Path(path).absolute().parents)
    for number, folder in enumerate(above, 1):
        if (folder / ".git").exists():
            return above[:number]
    return [one for one in above[:2] if one not in (Path.home(), Path(above[-1]))]


def _files_of(given: Sequence[str], found: Found) -> dict[str, str]:
    """The file of each pipeline whose IR is given, as FILE or NAME=FILE.

    Raises:
        UsageError: one is for none of them.
    """
    files_of: dict[str, str] = {}
    for one in given:
        name, _, file = one.rpartition("=")
        wanted = _called(found, name) if name else _alone(found, file)
        if len(wanted) != 1 or wanted[0].name in files_of:
            known = ", ".join(found.pipelines) or "none"
            raise UsageError(
                f"import.py: {one}: of which pipeline is that the IR? write --ir NAME=FILE, NAME one of: {known}"
            )
        files_of[wanted[0].name] = file
    return files_of


def _found_by_name(paths: Sequence[str], found: Found) -> dict[str, str]:
    """Of the compiled pipelines of a folder those that are called as a pipeline is there."""
    named = {path: irs.name_in(path) for path in paths}
    return {one.name: path for path, name in named.items() for one in _called(found, name)}


def _called(found: Found, name: str) -> list[Wanted]:
    return [one for one in found.pipelines.values() if name in one.known_as]


def _alone(found: Found, file: str) -> list[Wanted]:
    """The one pipeline that there is, or the one that is called as the IR calls itself."""
    every = list(found.pipelines.values())
    return every if len(every) == 1 else _called(found, irs.name_in(file))


def _say_left_out(given: _Given, found: Found, files_of: Mapping[str, str]) -> None:
    """Nothing is dropped in silence.

    Raises:
        InputError, UsageError: there is no IR at all, so that nothing can be imported.
    """
    if not files_of:
        raise_if_any(one.missing for one in found.pipelines.values())
        raise UsageError("import.py: these files name no pipeline: there is nothing to import")
    for name, wanted in found.pipelines.items():
        if name not in files_of:
            console.note(f"not imported: {wanted.missing}")
    for path in (*given.left, *(path for path in given.found if path not in files_of.values())):
        console.note(f"not imported: {path} is no file of these tools, and the IR of none of their pipelines")
    if any("cron" in asked.schedule for name in files_of for asked in found.pipelines[name].asked):
        console.note(_TIMES)


def _say_checked(made: Mapping[str, Made]) -> None:
    for one in made.values():
        found = one.imported
        kept = f"  {shown}" if (shown := told.kept(found)) else ""
        schedules = columns.counted(len(found.values.get("schedules", ())), "schedule")
        console.result(
            f"{'as sent' if found.told else 'equal':7}  {one.file}  {found.digest}{kept}  {schedules}"
        )


def _made(arguments: Namespace, found: Found, files_of: Mapping[str, str]) -> dict[str, Made]:
    """The import of each, with the components of those before it."""
    if (arguments.name or arguments.into) and len(files_of) > 1:
        raise UsageError("import.py: --name and --into are for one pipeline, and these are several")
    made: dict[str, Made] = {}
    problems: list[Problem] = []
    present = compiled.present(arguments.root)
    for name, file in files_of.items():
        try:
            made[name] = one = irs.made(arguments, found.pipelines[name], file, present)
            present |= {**one.imported.specs, **(one.python.specs if one.python else {})}
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return irs.chained(made)
