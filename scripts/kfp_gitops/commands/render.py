"""`render`: write manifests/<env>/ from environments/, templates/ and components/; with --all argocd/, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base import columns, files, memo
from kfp_gitops.base.errors import ExitCode, GitOpsError, InputError, Problem, UsageError
from kfp_gitops.commands import console, listing, origin
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.compiling import lock
from kfp_gitops.rendering import argocd
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import LOCK, Rendered
from kfp_gitops.sources import environment

_EXAMPLES = """  python scripts/render.py --env prod           write manifests/prod/
  python scripts/render.py --all --lock         write everything, compile, refresh the locks (needs kfp)
  python scripts/render.py --all --check        exit 1 when anything committed is not what its inputs render to"""


def _parser() -> Parser:
    parser = Parser("render.py", "Render the manifests of an environment from its inputs.", _EXAMPLES)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--env", metavar="ENV", help="one environment: a folder of environments/")
    which.add_argument("--all", action="store_true", help="every environment, and argocd/")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    parser.add_argument(
        "--lock", action="store_true", help="also compile and refresh versions.lock.yaml (needs kfp)"
    )
    parser.add_argument("--verbose", action="store_true", help="list every file and every warning")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Render one or all environments; nothing is written unless all of them render."""
    arguments = parse(_parser(), argv)
    if arguments.lock and find_spec("kfp") is None:
        raise UsageError("--lock needs kfp: install requirements-reconcile.lock")
    root: Path = arguments.root
    names = environment.names(root) if arguments.all else [arguments.env]
    if not names:
        raise UsageError("there is no environment; create a folder in environments/")
    rendered = _render_all(root, names, remember=not arguments.check)
    verbose: bool = arguments.verbose
    listing.warnings((warning for item in rendered for warning in item.warnings), everything=verbose)
    if arguments.check:
        origin.refuse(root, [item.inputs for item in rendered])
    compile_too = arguments.lock or (arguments.check and find_spec("kfp") is not None)
    wanted = list(_with_locks(root, rendered, compile_too=compile_too, verbose=verbose))
    of_argocd = argocd.render(root, [item.inputs for item in rendered]) if arguments.all else {}
    if arguments.check:
        strays = _check_strays(root, names) if arguments.all else ExitCode.OK
        return max(_check(root, wanted, verbose=verbose), _check_argocd(root, of_argocd), strays)
    _write(root, wanted, of_argocd, verbose=verbose)
    return ExitCode.OK


def _write(
    root: Path,
    wanted: Sequence[tuple[Rendered, dict[str, str]]],
    of_argocd: dict[str, str],
    *,
    verbose: bool,
) -> None:
    for item, texts in wanted:
        _report(item.folder, files.synchronise(root, item.folder, texts), verbose=verbose)
        _say_when_stale(item, texts)
        memo.save(root, item.environment, item.memo)
    if of_argocd:
        to_do = argocd.to_do(root, of_argocd, wanted[0][0].inputs.argocd["namespace"])
        _report(argocd.FOLDER, files.synchronise(root, argocd.FOLDER, of_argocd), verbose=verbose)
        _say_what_is_left(to_do)


def _render_all(root: Path, names: Sequence[str], *, remember: bool) -> list[Rendered]:
    rendered: list[Rendered] = []
    problems: list[Problem] = []
    for name in names:
        try:
            rendered.append(render(root, name, remember=remember))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return rendered


def _with_locks(
    root: Path, rendered: Sequence[Rendered], *, compile_too: bool, verbose: bool
) -> Iterator[tuple[Rendered, dict[str, str]]]:
    warned: list[Problem] = []
    try:
        for item in rendered:
            yield item, _with_lock(root, item, warned.append if compile_too else None)
    finally:  # also what warns of one that does not compile
        listing.warnings(warned, everything=verbose)


def _with_lock(root: Path, rendered: Rendered, warn: Callable[[Problem], None] | None) -> dict[str, str]:
    """The lock is refreshed where somebody hears the compiler's warnings."""
    texts = rendered.files()
    if warn:
        texts[LOCK] = lock.compiled(rendered, warn)
    elif (root / rendered.folder / LOCK).is_file():
        texts[LOCK] = files.read_text(root, f"{rendered.folder}/{LOCK}")
    return texts


def _say_what_is_left(to_do: Sequence[str]) -> None:
    """Argo CD takes manifests/ by itself, and argocd/ from nobody."""
    if to_do:
        console.note(
            "\n  ".join([f"{argocd.FOLDER}/ is not what Argo CD has; nothing applies it by itself:", *to_do])
        )


def _check(root: Path, wanted: Sequence[tuple[Rendered, dict[str, str]]], *, verbose: bool) -> int:
    code = ExitCode.OK
    for item, texts in wanted:
        found = list(files.differences(root, item.folder, texts))
        listing.results((f"{action} {item.folder}/{name}" for action, name in found), everything=verbose)
        stale = not found and bool(_stale(item, texts))
        if found or stale:
            code = ExitCode.DIFFERENCES
            console.note(_mend(item, stale))
    return code


def _check_argocd(root: Path, texts: dict[str, str]) -> int:
    found = list(files.differences(root, argocd.FOLDER, texts)) if texts else []
    for action, name in found:
        console.result(f"{action} {argocd.FOLDER}/{name}")
    if found:
        console.note(
            "argocd: is not what its inputs render to; run `python scripts/render.py --all` and commit"
        )
    return ExitCode.DIFFERENCES if found else ExitCode.OK


def _check_strays(root: Path, names: Sequence[str]) -> int:
    """A folder that no environment accounts for could be delivered all the same, with nobody shown what it does.

    Argo CD's git generator hands `environments/*/release.yaml` to git, whose `*` crosses folders as well.
    """
    present = files.list_files(root, "manifests", hidden=True)
    found = [f"manifests/{name}" for name in present if name.partition("/")[0] not in names]
    releases = {f"{name}/release.yaml" for name in names}
    found += [
        f"environments/{name}"
        for name in files.list_files(root, "environments", hidden=True)
        if name.endswith("/release.yaml") and name not in releases
    ]
    for name in found:
        console.result(f"remove {name}")
    if found:
        console.note("this is of no environment; remove it, or make a folder environments/ENV for it")
    return ExitCode.DIFFERENCES if found else ExitCode.OK


def _mend(item: Rendered, stale: bool) -> str:
    what = "its lock does not fit the manifests" if stale else "is not what its inputs render to"
    return f"{item.folder}: {what}; run `python scripts/render.py --env {item.environment} --lock` and commit"


def _stale(item: Rendered, texts: dict[str, str]) -> list[str]:
    try:
        return lock.stale(item, texts.get(LOCK), f"{item.folder}/{LOCK}")
    except GitOpsError as error:
        return [str(error)]


def _report(folder: str, done: Sequence[tuple[str, str]], *, verbose: bool) -> None:
    listing.results((f"{action} {folder}/{name}" for action, name in done), everything=verbose)
    console.note(
        f"{folder}: {len(done):,} files written or removed" if done else f"{folder}: nothing changed"
    )


def _say_when_stale(item: Rendered, texts: dict[str, str]) -> None:
    stale = _stale(item, texts)
    if stale:
        console.note(
            f"{item.folder}/{LOCK} does not fit the manifests any more ({columns.some(stale)}): "
            f"run `python scripts/render.py --env {item.environment} --lock` where kfp is installed"
        )
