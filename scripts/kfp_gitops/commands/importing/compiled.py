"""`import FILE.yaml`: a compiled pipeline as files of this repository."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, Problem, UsageError
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.importing import placed, told, trial
from kfp_gitops.importing import inside, packed, renamed
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.written import written
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATES


def read(arguments: Namespace, file: str, present: Mapping[str, str]) -> Imported:
    """The import of a file; `present` are the specs of components/ that are there.

    Raises:
        InputError: as `imported`.
    """
    text, shown, left = given(arguments, file)
    for problem in left:
        console.note(str(problem))
    if arguments.name:
        text = renamed.renamed(text, shown, arguments.name)
    return imported(text, shown, present, arguments.owner, arguments.env, strict=arguments.strict)


def given(arguments: Namespace, file: str) -> tuple[str, str, list[Problem]]:
    """The IR that a file is or holds, how messages name it, and what of the rest of the file is not taken over.

    Raises:
        InputError: there is none.
    """
    text, shown = packed.text_of(str(Path(file).absolute()), file)
    if not arguments.inside:
        return text, shown, []
    text, left = inside.taken(text, shown)
    return text, shown, left


def import_one(arguments: Namespace) -> int:
    """Read, prove, write and render it; tell what comes next."""
    root, (file,) = arguments.root, arguments.file
    env = beginning(arguments)
    found = read(arguments, file, present(root))
    folder = template(arguments.into, found.name)
    refuse_taken(root, env, found.name, folder)
    made = written(root, env.name, {folder: found}, home=placed.home(arguments))
    placed.place(root, env.name, made)
    tell_proof(found, file)
    tell_images(env.name, found.images)
    text, _, _ = given(arguments, file)
    begun.say(trial.command(env.name, found.name, text), *trial.after(env.name, found.images))
    return ExitCode.OK


def beginning(arguments: Namespace) -> Environment:
    """The environment in which a pipeline begins, under a name that it may have.

    Raises:
        UsageError: it may not.
    """
    if arguments.name:
        begun.refuse_misnamed(arguments.name)
    env = environment.load(arguments.root, arguments.env)
    if not env.follows_sources:
        raise UsageError(
            f"import.py: {env.name} follows pinned copies; import where `follows: sources` is, then promote"
        )
    return env


def present(root: Path) -> dict[str, str]:
    """The specs that components/ has, and for a folder without one a text that none is like."""
    names = files.list_folders(root, "components")
    paths = {name: f"components/{name}/component.yaml" for name in names}
    return {name: files.read_text(root, at) if (root / at).is_file() else "" for name, at in paths.items()}


def template(into: str | None, name: str) -> str:
    """The name of the template's folder."""
    if into is None:
        return name
    found = PurePosixPath(into)
    if str(found.parent) != TEMPLATES or not begun.PIPELINE.fullmatch(found.name):
        raise UsageError(
            f"import.py: --into {into} is no place for a template; write {TEMPLATES}/NAME, NAME of a-z 0-9 -"
        )
    return found.name


def refuse_taken(root: Path, env: Environment, name: str, template: str) -> None:
    """A pipeline or a template that is there already."""
    if name in env.pipelines or name in env.absent:
        raise UsageError(
            f"import.py: {env.name} has a pipeline {name!r} already, and a pipeline's name is a part of the file; "
            "choose another --env, give it another one with --name, or take out that one first to import it anew"
        )
    if (root / TEMPLATES / template).exists():
        raise UsageError(
            f"import.py: {TEMPLATES}/{template} exists already; give another folder with --into, or take that one out "
            "first"
        )


def tell_proof(found: Imported, file: str) -> None:
    """What the proof said, and what stays as it was."""
    for line in told.proof(found, file):
        console.result(line)
    if shown := told.kept(found):
        console.result(shown)
    for line in (*told.reasons(found), *told.accepted(found)):
        console.note(line)


def tell_images(env: str, images: Iterable[str]) -> None:
    """What is left to a person of images that are not by digest, each once."""
    for image in dict.fromkeys(images):
        console.note(
            f"{environment.release_path(env)}: the digest of {image} is not known; write it in place of the zeros"
        )
