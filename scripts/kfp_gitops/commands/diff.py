"""`diff`: what merging would do in an environment, for the person who has to judge it; and a week of its schedules."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kfp_gitops.base import files, memo
from kfp_gitops.base.errors import ExitCode, GitOpsError, Problem, UsageError
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.rendering.rendered import LOCK
from kfp_gitops.review.diff import jsonform, revision
from kfp_gitops.review.diff.calendar import Calendar, calendar
from kfp_gitops.review.diff.calendar import to_text as calendar_text
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.markdown import calendar_markdown, to_markdown
from kfp_gitops.review.diff.model import EnvironmentDiff
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.diff.text import to_text
from kfp_gitops.sources import environment

_EXAMPLES = """  python scripts/diff.py --env prod                                 the work tree against the last commit
  python scripts/diff.py --all --base origin/main --format markdown a pull request, as its comment
  python scripts/diff.py --env prod --host http://127.0.0.1:8888    also count the runs in flight
  python scripts/diff.py --env prod --schedules                     a week's calendar of firings"""


def main(argv: Sequence[str] | None = None) -> int:
    """Compare `manifests/<env>/` with an earlier revision; exit 1 when what runs would change."""
    parser = Parser(
        "diff.py",
        "Say what merging would do: tasks, parameters, schedules, versions. Formatting and SDK noise is folded.",
        _EXAMPLES,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--env", metavar="ENV", help="one environment")
    which.add_argument("--all", action="store_true", help="every environment, also one that is gone")
    parser.add_argument(
        "--base", default="HEAD", metavar="REV", help="compare with this revision (default: HEAD)"
    )
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text")
    parser.add_argument("--schedules", action="store_true", help="show a week's firings instead; exit 0")
    parser.add_argument(
        "--from", dest="start", metavar="INSTANT", help="count firings from here (RFC 3339; default: now)"
    )
    connection.add(parser, host="also count the runs in flight of changed pipelines, at this KFP API")
    arguments = parse(parser, argv)
    arguments.start = _instant(arguments.start)
    return _calendar(arguments) if arguments.schedules else _diff(arguments)


def _diff(arguments: Namespace) -> int:
    root: Path = arguments.root
    commit = revision.resolve(root, arguments.base)
    names = _names(root, arguments, commit)
    found = [_compare(root, name, commit, arguments) for name in names]
    _warn_of_stale(root, names)
    match arguments.format:
        case "json":
            console.result(jsonform.to_json(found))
        case "markdown":
            console.result(to_markdown(found))
        case _:
            console.result("\n\n".join(to_text(item, colour=console.coloured()) for item in found))
    return ExitCode.DIFFERENCES if any(item.semantic for item in found) else ExitCode.OK


def _names(root: Path, arguments: Namespace, commit: str) -> list[str]:
    known = environment.names(root)
    gone = [name for name in revision.folders(root, commit, "manifests") if name not in known]
    if arguments.all:
        return [*known, *gone]
    if arguments.env not in (*known, *gone):
        raise UsageError(f"no environment {arguments.env!r}; there are: {', '.join(known) or 'none'}")
    return [arguments.env]


def _compare(root: Path, name: str, commit: str, arguments: Namespace) -> EnvironmentDiff:
    folder = f"manifests/{name}"
    before = State(arguments.base, revision.at(root, commit, folder))
    found = compare(name, before, State("the work tree", revision.in_tree(root, folder)), arguments.start)
    return _with_runs(found, arguments) if arguments.host else found


def _with_runs(found: EnvironmentDiff, arguments: Namespace) -> EnvironmentDiff:
    from kfp_gitops.reconcile.hosts import checked_host
    from kfp_gitops.review.diff.inflight import count

    folder = f"manifests/{found.environment}"
    kfp = State("the work tree", revision.in_tree(arguments.root, folder)).settings.get("kfp", {})
    api = connection.api(arguments, checked_host(arguments.host), kfp.get("namespace", ""))
    return replace(
        found,
        pipelines=[
            replace(item, in_flight=count(api, item.name, found.environment)) if item.semantic else item
            for item in found.pipelines
        ],
    )


def _warn_of_stale(root: Path, names: Sequence[str]) -> None:
    """Manifests are read here, never inputs: what was edited and not rendered would be missing without a word."""
    for name in environment.names(root):
        if name in names and (why := _stale(root, name)):
            todo = f"run `python scripts/render.py --env {name}`"
            console.note(Problem(f"manifests/{name}", 0, 0, why, todo).as_warning())


def _stale(root: Path, name: str) -> str:
    """Why the manifests are not what their inputs render to; nothing, too, where it would take long to find out."""
    from kfp_gitops.rendering.render import render

    large = len(files.list_folders(root, f"manifests/{name}/pipelines")) >= memo.FEWEST
    if large and not memo.load(root, name).known:
        return ""
    try:
        found = render(root, name, remember=True)
        differs = any(path != LOCK for _, path in files.differences(root, found.folder, found.files()))
    except GitOpsError:
        return "its inputs do not render, so it is of earlier ones"
    return "is not what its inputs render to" if differs else ""


def _calendar(arguments: Namespace) -> int:
    known = environment.names(arguments.root)
    if not arguments.all and arguments.env not in known:
        raise UsageError(f"no environment {arguments.env!r}; there are: {', '.join(known) or 'none'}")
    names = known if arguments.all else [arguments.env]
    found = [_week(arguments, name) for name in names]
    _warn_of_stale(arguments.root, names)
    match arguments.format:
        case "json":
            console.result(jsonform.calendars_to_json(found))
        case "markdown":
            console.result("\n".join(calendar_markdown(item) for item in found))
        case _:
            console.result("\n\n".join(calendar_text(item) for item in found))
    return ExitCode.OK


def _week(arguments: Namespace, name: str) -> Calendar:
    texts = revision.in_tree(arguments.root, f"manifests/{name}")
    if not texts:
        known = ", ".join(environment.names(arguments.root))
        raise UsageError(
            f"manifests/{name} does not exist; environments: {known}; run `python scripts/render.py --all`"
        )
    state = State("the work tree", texts)
    zone, start = str(state.settings.get("timeZone") or "UTC"), arguments.start
    return calendar(name, zone, state.manifests(start), start, state.idle(start))


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--from {text!r} is no instant; write RFC 3339 such as 2026-11-30T00:00:00Z"
        ) from None
    if found.tzinfo is None:
        raise UsageError(f"--from {text!r} has no zone; write it with one, such as {text}Z")
    return found.astimezone(UTC)
