"""`render`: write manifests/<env>/ from environments/, templates/ and components/; with --all argocd/, too."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from kfp_gitops.base import columns, faults, files, folders, memo
from kfp_gitops.base.errors import ExitCode, GitOpsError, InputError, Problem, UsageError, attempted
from kfp_gitops.base.folders import Wanted
from kfp_gitops.commands import console, listing
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.compiling import lock
from kfp_gitops.compiling.lock import Locked
from kfp_gitops.rendering import argocd, specs
from kfp_gitops.rendering.delivered import with_lock
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import LOCK, Rendered
from kfp_gitops.sources import compiledfrom, environment, selection, unused
from kfp_gitops.sources.loose_ends import loose_ends
from kfp_gitops.sources.selection import NothingSelected, Selection

Whole = tuple[Rendered, Wanted]
"""An environment, and all that belongs into its folder."""
_EXAMPLES = """  python scripts/render.py --env prod           write manifests/prod/
  python scripts/render.py --all --lock         write everything, compile, refresh the locks (needs kfp)
  python scripts/render.py --all --lock --components    compile edited component.py and pipeline.py first
  python scripts/render.py --all --check        exit 1 when anything committed is not what its inputs render to
  python scripts/render.py --env dev --select team=churn --lock   one team's pipelines, the others as they stand"""

_EARLIER = "written by an earlier kfp-gitops, each pipeline with component specs of its own (docs/upgrade.md)"


def _parser() -> Parser:
    parser = Parser("render.py", "Render the manifests of an environment from its inputs.", _EXAMPLES)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--env", metavar="ENV", help="one environment: a folder of environments/")
    which.add_argument("--all", action="store_true", help="every environment, and argocd/")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    parser.add_argument(
        "--lock", action="store_true", help="also compile and refresh versions.lock.yaml (needs kfp)"
    )
    parser.add_argument(
        "--components",
        action="store_true",
        help="before all else compile each component.py and pipeline.py that was edited since (needs kfp)",
    )
    parser.add_argument("--verbose", action="store_true", help="list every file and every warning")
    selection.add(parser, "render only pipelines")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Render one or all environments; nothing is written unless all of them render."""
    arguments = parse(_parser(), argv)
    _refuse_together(arguments)
    root: Path = arguments.root
    names = environment.names(root) if arguments.all else [arguments.env]
    previews = environment.of_previews(root)
    if not names:
        raise UsageError("there is no environment; create a folder in environments/")
    part = Selection.of(arguments)
    if arguments.components:
        from kfp_gitops.commands import components

        components.compile_stale(root, compiledfrom.every(root))
    compile_too = arguments.lock or (arguments.check and find_spec("kfp") is not None)
    try:
        rendered = _render_all(root, names, part, remember=not arguments.check, compile_too=compile_too)
    except InputError:  # which may come of just that
        _tell(compiledfrom.stale(root, compiledfrom.every(root)))
        raise
    if arguments.env in previews:
        return _previewed(rendered, compile_too=compile_too, verbose=arguments.verbose)
    if arguments.all and arguments.check and previews and not part:
        _render_all(root, previews, part, remember=False, compile_too=False)
    loose = (end for item in rendered for end in loose_ends(root, item.inputs, datetime.now(UTC)))
    uncompiled = _uncompiled(root, rendered)
    verbose, whole = arguments.verbose, arguments.all and not part
    unneeded = _unneeded(root, rendered) if whole else []
    warned = (*(warning for item in rendered for warning in item.warnings), *loose, *unneeded)
    listing.warnings(warned, everything=verbose)
    if arguments.check:
        from kfp_gitops.commands import origin  # a tenth of all imports, for this alone

        origin.refuse(root, [item.inputs for item in rendered])
    wanted = _all_wanted(root, rendered, compile_too=compile_too, verbose=verbose)
    of_argocd = argocd.render(root, [item.inputs for item in rendered]) if whole else {}
    if arguments.check:
        strays = _check_strays(root, names) if whole else ExitCode.OK
        python = ExitCode.DIFFERENCES if uncompiled else ExitCode.OK
        return max(_check(root, wanted, verbose=verbose), _check_argocd(root, of_argocd), strays, python)
    _write(root, wanted, of_argocd, verbose=verbose)
    return ExitCode.OK


def _previewed(rendered: Sequence[Rendered], *, compile_too: bool, verbose: bool) -> int:
    """Of an environment of previews nothing is in manifests/: that it renders and compiles is all there is to know."""
    for item in rendered:
        listing.warnings(item.warnings, everything=verbose)
        if compile_too:
            lock.compiled(item)
        what = "renders and compiles" if compile_too else "renders"
        console.note(
            f"{item.environment}: it {what}; nothing of it is delivered or written (docs/previews.md)"
        )
    return ExitCode.OK


def _refuse_together(arguments: Namespace) -> None:
    """Options that cannot be carried out."""
    needing = [f"--{name}" for name in ("lock", "components") if getattr(arguments, name)]
    if needing and find_spec("kfp") is None:
        raise UsageError(f"{needing[0]} needs kfp: install requirements-reconcile.lock")
    if arguments.check and arguments.components:
        raise UsageError("render.py: --check writes nothing, so it takes no --components")


def _uncompiled(root: Path, rendered: Sequence[Rendered]) -> list[Problem]:
    """The Python that was edited and not compiled, told one by one; of no account to what follows pinned copies."""
    if not any(item.inputs.follows_sources for item in rendered):
        return []
    found = compiledfrom.stale(root, compiledfrom.every(root))
    _tell(found)
    return found


def _tell(edited: Sequence[Problem]) -> None:
    if edited:
        console.note(faults.told(InputError(edited)))


def _write(root: Path, wanted: Sequence[Whole], of_argocd: dict[str, str], *, verbose: bool) -> None:
    for item, texts in wanted:
        done = folders.synchronise(root, item.folder, texts)
        _report(item.folder, done, verbose=verbose)
        if _moves_specs(done):
            console.note(
                f"{item.folder}: component specs stand once in {item.folder}/{specs.FOLDER}/ now, not in each "
                "pipeline's folder; no pipeline changes by that (docs/upgrade.md)"
            )
        _say_when_stale(item, texts)
        memo.save(root, item.environment, item.memo)
    if of_argocd:
        to_do = argocd.to_do(root, of_argocd, wanted[0][0].inputs.argocd["namespace"])
        _report(argocd.FOLDER, folders.synchronise(root, argocd.FOLDER, of_argocd), verbose=verbose)
        _say_what_is_left(to_do)


def _render_all(
    root: Path, names: Sequence[str], part: Selection, *, remember: bool, compile_too: bool
) -> list[Rendered]:
    """Of several environments those that have something of what is selected.

    Where one does not render, what the others do not compile to is told as well.
    """
    rendered: list[Rendered] = []
    problems: list[Problem] = []
    without: list[NothingSelected] = []
    for name in names:
        try:
            rendered.append(render(root, name, remember=remember, selection=part))
        except InputError as error:
            problems += error.problems
        except NothingSelected as error:
            without.append(error)
    if problems:
        of_the_rest = partial(_all_wanted, root, rendered, compile_too=compile_too, verbose=False)
        attempted(problems, of_the_rest)
        raise InputError(problems)
    if not rendered and without:
        raise without[0]
    return rendered


def _unneeded(root: Path, rendered: Sequence[Rendered]) -> list[Problem]:
    every = [item.inputs for item in rendered]
    return [*unused.templates(root, every), *unused.of_teams(root, every)]


def _all_wanted(root: Path, rendered: Sequence[Rendered], *, compile_too: bool, verbose: bool) -> list[Whole]:
    wanted: list[Whole] = []
    problems: list[Problem] = []
    warned: list[Problem] = []
    warn = warned.append if compile_too else None
    for item in rendered:
        try:
            wanted.append((item, with_lock(root, item, _lock(root, item, warn))))
        except InputError as error:
            problems += error.problems
    listing.warnings(warned, everything=verbose)
    if problems:
        raise InputError(problems)
    return wanted


def _lock(root: Path, rendered: Rendered, warn: Callable[[Problem], None] | None) -> str:
    """Compiled where somebody hears the compiler's warnings, else as it stands."""
    if warn:
        before = _standing_lock(root, rendered) if rendered.chosen is not None else {}
        return lock.compiled(rendered, warn, before)
    path = f"{rendered.folder}/{LOCK}"
    return files.read_text(root, path) if (root / path).is_file() else ""


def _standing_lock(root: Path, rendered: Rendered) -> Mapping[str, Locked]:
    path = f"{rendered.folder}/{LOCK}"
    return lock.read(files.read_text(root, path), path) if (root / path).is_file() else {}


def _say_what_is_left(to_do: Sequence[str]) -> None:
    """Argo CD takes manifests/ by itself, and argocd/ from nobody."""
    if to_do:
        console.note(
            "\n  ".join([f"{argocd.FOLDER}/ is not what Argo CD has; nothing applies it by itself:", *to_do])
        )


def _check(root: Path, wanted: Sequence[Whole], *, verbose: bool) -> int:
    code = ExitCode.OK
    for item, texts in wanted:
        found = list(folders.differences(root, item.folder, texts))
        listing.results((f"{action} {item.folder}/{name}" for action, name in found), everything=verbose)
        stale = not found and bool(_stale(item, texts))
        if _moves_specs(found):
            console.note(f"{item.folder}: {_EARLIER}")
        if found or stale:
            code = ExitCode.DIFFERENCES
            console.note(_mend(item, stale))
    return code


def _check_argocd(root: Path, texts: dict[str, str]) -> int:
    found = list(folders.differences(root, argocd.FOLDER, texts)) if texts else []
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


def _moves_specs(done: Sequence[tuple[str, str]]) -> bool:
    """Whether a pipeline has specs in its own folder, which only an earlier version wrote there."""
    removed = (PurePosixPath(name).parts for action, name in done if action == "remove")
    return any(parts[0] == "pipelines" and parts[2:3] == (specs.FOLDER,) for parts in removed)


def _mend(item: Rendered, stale: bool) -> str:
    what = "its lock does not fit the manifests" if stale else "is not what its inputs render to"
    return f"{item.folder}: {what}; run `python scripts/render.py --env {item.environment} --lock` and commit"


def _stale(item: Rendered, texts: Wanted) -> list[str]:
    try:
        found = texts.get(LOCK)
        return lock.stale(item, found if isinstance(found, str) else None, f"{item.folder}/{LOCK}")
    except GitOpsError as error:
        return [str(error)]


def _report(folder: str, done: Sequence[tuple[str, str]], *, verbose: bool) -> None:
    listing.results((f"{action} {folder}/{name}" for action, name in done), everything=verbose)
    console.note(
        f"{folder}: {len(done):,} files written or removed" if done else f"{folder}: nothing changed"
    )


def _say_when_stale(item: Rendered, texts: Wanted) -> None:
    stale = _stale(item, texts)
    if stale:
        console.note(
            f"{item.folder}/{LOCK} does not fit the manifests any more ({columns.some(stale)}): "
            f"run `python scripts/render.py --env {item.environment} --lock` where kfp is installed"
        )
