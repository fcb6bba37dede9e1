"""`import`: make a compiled KFP pipeline a template, components and values, and prove that they compile to it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, GitOpsError, InputError, UsageError
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.written import Written, written
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATES

_EXAMPLES = """  python scripts/import.py trainer.yaml             as the pipeline that it names, in environment dev
  python scripts/import.py trainer.yaml --into templates/pipelines/churn
                                                    its template in a folder of another name
  python scripts/import.py --check a.yaml b.yaml    write nothing; say of each whether it can be imported

FILE is what `kfp dsl compile` wrote. It becomes a template (--into: pipeline.yaml.j2 with its tasks, one more for each
pipeline inside it, values.schema.json of its parameters' defaults), a component.yaml for each distinct executor that
components/ has not yet, and an entry in environments/ENV/values.yaml. Before anything is written, all of that is
rendered and compiled in memory and held against the file: it must come to the same IR, by its digest, and where it
would not, or where the language of manifests lacks a word, each place is told as file:line:column and nothing is
written. Such a file can stay as it is, beside a template that names it (docs/containers-and-compiled-pipelines.md).
Images by tag get a line in environments/ENV/release.yaml, with a digest of zeros that you replace."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files of an imported pipeline; overwrites nothing, and leaves nothing behind when it fails."""
    parser = Parser("import.py", "Import a compiled KFP pipeline.", _EXAMPLES)
    parser.add_argument("file", nargs="+", metavar="FILE", help="a compiled pipeline: KFP's IR as YAML")
    parser.add_argument(
        "--into",
        metavar="DIR",
        help="the template's folder (default: templates/pipelines/NAME of the pipeline)",
    )
    parser.add_argument(
        "--env", default="dev", metavar="ENV", help="where the pipeline begins (default: dev)"
    )
    parser.add_argument(
        "--owner", metavar="WHO", help="who is asked when the pipeline fails (default: its name and -team)"
    )
    parser.add_argument(
        "--check", action="store_true", help="of one or more files: only say whether each can be imported"
    )
    arguments = parse(parser, argv)
    if arguments.check:
        return _check(arguments)
    if len(arguments.file) > 1:
        raise UsageError("import.py: one file at a time is imported; with --check any number is tried")
    return _import(arguments)


def _check(arguments: Namespace) -> int:
    refused = 0
    for file in arguments.file:
        try:
            found = _imported(arguments, file, {})
        except InputError as error:
            refused += 1
            console.result(f"refused  {file}")
            console.note(str(error))
        else:
            console.result(f"{'equal  ' if not found.told else 'as sent'}  {file}  {found.digest}")
    console.result(f"{len(arguments.file) - refused} of {len(arguments.file)} can be imported")
    return ExitCode.BAD_INPUT if refused else ExitCode.OK


def _imported(arguments: Namespace, file: str, present: Mapping[str, str]) -> Imported:
    path = Path(file)
    text = files.text_of(str(path.absolute()), file)
    return imported(text, file, present, arguments.owner, arguments.env)


def _import(arguments: Namespace) -> int:
    root, (file,) = arguments.root, arguments.file
    env = environment.load(root, arguments.env)
    if not env.follows_sources:
        raise UsageError(
            f"import.py: {env.name} follows pinned copies; import where `follows: sources` is, then promote"
        )
    found = _imported(arguments, file, _present(root))
    template = _template(arguments.into, found.name)
    _refuse_taken(root, env, found.name, template)
    made = written(root, env.name, template, found)
    _write(root, env.name, made)
    _tell(found, env.name, file)
    return ExitCode.OK


def _present(root: Path) -> dict[str, str]:
    """The specs that components/ has, and for a folder without one a text that none is like."""
    names = files.list_folders(root, "components")
    paths = {name: f"components/{name}/component.yaml" for name in names}
    return {name: files.read_text(root, at) if (root / at).is_file() else "" for name, at in paths.items()}


def _template(into: str | None, name: str) -> str:
    if into is None:
        return name
    found = PurePosixPath(into)
    if str(found.parent) != TEMPLATES or not begun.PIPELINE.fullmatch(found.name):
        raise UsageError(
            f"import.py: --into {into} is no place for a template; write {TEMPLATES}/NAME, NAME of a-z 0-9 -"
        )
    return found.name


def _refuse_taken(root: Path, env: Environment, name: str, template: str) -> None:
    if name in env.pipelines or name in env.absent:
        raise UsageError(
            f"import.py: {env.name} has a pipeline {name!r} already, and a pipeline's name is a part of the file; "
            "choose another --env, or compile it under another name"
        )
    if (root / TEMPLATES / template).exists():
        raise UsageError(f"import.py: {TEMPLATES}/{template} exists already; give another folder with --into")


def _write(root: Path, env: str, made: Written) -> None:
    """All files, rendered; or none of them, and what is rendered is what it was."""
    try:
        made.write(root)
        begun.render(root, "--env", env)
    except BaseException:
        made.undo(root)
        with suppress(GitOpsError):  # which may have been so before
            begun.render(root, "--env", env)
        console.note("import.py: that was not rendered, and nothing of it was left behind")
        raise
    for path in made.added:
        console.result(f"add {path}")
    for path in made.changed:
        console.result(f"change {path}")


def _tell(found: Imported, env: str, file: str) -> None:
    if not found.told:
        console.result(f"equal: rendered and compiled, {found.name} is {file}, {found.digest}")
    else:
        console.result(
            f"equal to what kfp 2.17 sends for {file}: {found.digest}; it writes otherwise than the file:"
        )
        for one in found.told:
            console.result(f"  {one}")
    for image in found.images:
        console.note(
            f"{environment.release_path(env)}: the digest of {image} is not known; write it in place of the zeros"
        )
    begun.say(
        f"python scripts/run.py --env {env} --pipeline {found.name} --local",
        "python scripts/render.py --all --lock",
    )
