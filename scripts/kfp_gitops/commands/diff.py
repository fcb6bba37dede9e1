"""`diff`: what merging would do in an environment, for the person who has to judge it; and a week of its schedules."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kfp_gitops.base import files, memo, visible
from kfp_gitops.base.errors import ExitCode, GitOpsError, InputError, Problem, UsageError
from kfp_gitops.commands import connection, console, hosted, listing, origin, required
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.review.diff import jsonform, revision, selected, shared
from kfp_gitops.review.diff.between.following import following
from kfp_gitops.review.diff.calendar import Calendar, calendar
from kfp_gitops.review.diff.calendar import to_text as calendar_text
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.markdown import calendar_markdown, to_markdown
from kfp_gitops.review.diff.model import EnvironmentDiff, SharedDiff
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.diff.text import shared_to_text, to_text
from kfp_gitops.sources import environment, selection
from kfp_gitops.sources.loose_ends import loose_ends
from kfp_gitops.sources.selection import NothingSelected, Selection

_EXAMPLES = """  python scripts/diff.py --env prod                                 the work tree against the last commit
  python scripts/diff.py --all --base origin/main --format markdown  a pull request, as its comment
  python scripts/diff.py --all --format html --output diff.html      the same as one page: pictures, code, a week
  python scripts/diff.py --env prod --host http://127.0.0.1:8888    also count the runs in flight
  python scripts/diff.py --all --select team=churn                  one team's pipelines; of the others how many
  python scripts/diff.py --env prod --schedules                     a week's calendar of firings
  python scripts/diff.py --env prod --schedules --host http://127.0.0.1:8888  with about when what follows starts"""

# As many changed pipelines are looked at first: where one was edited by hand, nothing need be rendered.
_SUSPECTS = 3
_UNCHECKED = (
    "nobody looked whether manifests/{0} is what its inputs render to, for that takes long here; "
    "`python scripts/render.py --env {0} --check` does"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare what is delivered with an earlier revision; exit 1 when anything differs, 2 when it is stale."""
    parser = Parser(
        "diff.py",
        "Say what merging would do. Whatever differs in anything parsed is told: docs/diff.md.",
        _EXAMPLES,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--env", metavar="ENV", help="one environment")
    which.add_argument("--all", action="store_true", help="every environment, also one that is gone")
    parser.add_argument(
        "--base", default="HEAD", metavar="REV", help="compare with this revision (default: HEAD)"
    )
    parser.add_argument(
        "--format",
        choices=["text", "markdown", "json", "html"],
        default="text",
        help="html: one page with drawings, code side by side, a week of schedules and the policy's findings",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write it there, whole or not at all (default: stdout)"
    )
    parser.add_argument(
        "--schedules",
        action="store_true",
        help="show a week's firings instead, and what is promised (slo) and cannot be kept by them; exit 0",
    )
    parser.add_argument(
        "--from", dest="start", metavar="INSTANT", help="count firings from here (RFC 3339; default: now)"
    )
    selection.add(parser, "show only pipelines")
    connection.add(
        parser,
        host="also count the runs in flight of changed pipelines, and tell about when what follows others starts",
    )
    arguments = parse(parser, argv)
    arguments.start = _instant(arguments.start)
    _refuse_what_helps_nobody(arguments)
    return _calendar(arguments) if arguments.schedules else _diff(arguments)


def _refuse_what_helps_nobody(arguments: Namespace) -> None:
    if arguments.format != "html":
        return
    if arguments.schedules:
        raise UsageError(
            "--schedules has no page; the page of a diff, --format html, shows the week beside it"
        )
    if arguments.output is None and sys.stdout.isatty():
        raise UsageError("a page is not read on a terminal; name a file: --format html --output diff.html")


def _diff(arguments: Namespace) -> int:
    root: Path = arguments.root
    commit = revision.resolve(root, arguments.base)
    names = _names(root, arguments, commit)
    sides = {name: _sides(root, name, commit, arguments) for name in names}
    chosen = _chosen(arguments, {name: selected.teams(*both) for name, both in sides.items()})
    found = [_with_freshness(root, compare(name, *sides[name], arguments.start)) for name in names]
    readable = [*origin.readable(root, names)]
    found = required.with_gates(root, commit, found, readable)
    if chosen is not None:
        found = [selected.only(item, chosen[item.environment]) for item in found]
    found = [hosted.with_runs(item, arguments) for item in found] if arguments.host else found
    both = revision.shared_at(root, commit, arguments.base), revision.shared_in_tree(root, "the work tree")
    common = shared.compare(*both)
    common = replace(common, problems=origin.problems(root, readable))
    ends = (end for env in readable for end in loose_ends(root, env, datetime.now(UTC)))
    listing.warnings(ends, option="; render tells each")
    if arguments.format != "text":  # which has them before the eyes of whoever called it
        for problem in (*common.problems, *(one for item in found for one in item.problems)):
            console.note(str(problem))
    match arguments.format:
        case "json":
            _write(arguments, jsonform.to_json(found, common))
        case "markdown":
            _write(arguments, to_markdown(found, common))
        case "html":
            from kfp_gitops.commands import reviewpage  # it takes Jinja2, and the policy

            whole = reviewpage.page(root, found, common, sides, arguments.start, chosen)
            _write(arguments, whole)
        case _:
            colour = console.coloured() and arguments.output is None
            _write(arguments, "\n\n".join(_texts(common, found, colour=colour)))
    return _code(common, found)


def _write(arguments: Namespace, text: str) -> None:
    """To the file that was named, or to stdout.

    Raises:
        UsageError: the file cannot be written.
    """
    path: Path | None = arguments.output
    if path is None:
        console.result(text)
        return
    try:
        files.write_result(path, f"{visible.shown(text).rstrip()}\n")
    except OSError as error:
        raise UsageError(f"--output {path}: {error.strerror}; name a file that can be written") from None
    console.note(f"wrote {path} ({len(text.encode()) / 1000:,.0f} kB)")


def _texts(common: SharedDiff, found: Sequence[EnvironmentDiff], *, colour: bool) -> Iterator[str]:
    if common.semantic or common.problems:
        yield shared_to_text(common, colour=colour)
    yield from (to_text(item, colour=colour) for item in found)


def _code(common: SharedDiff, found: Sequence[EnvironmentDiff]) -> int:
    """What is shown may not be what merging does where there is a problem: that is no success of any kind."""
    if common.problems or any(item.problems for item in found):
        return ExitCode.BAD_INPUT
    differs = common.semantic or any(item.semantic for item in found)
    return ExitCode.DIFFERENCES if differs else ExitCode.OK


def _names(root: Path, arguments: Namespace, commit: str) -> list[str]:
    known = environment.names(root)
    there = {*revision.folders(root, commit, "manifests"), *files.list_folders(root, "manifests")}
    others = sorted(there - {*known})  # gone, or never an environment: Argo CD may deliver it all the same
    if arguments.all:
        return [*known, *others]
    if arguments.env not in (*known, *others):
        raise UsageError(f"no environment {arguments.env!r}; there are: {', '.join(known) or 'none'}")
    return [arguments.env]


def _chosen(arguments: Namespace, teams: Mapping[str, Mapping[str, str]]) -> dict[str, frozenset[str]] | None:
    """Of each environment (→ pipeline → team) the pipelines to be shown; None: all.

    Raises:
        UsageError: none of the environments has anything of what is selected.
    """
    part = Selection.of(arguments)
    found: dict[str, frozenset[str]] = {}
    without: list[NothingSelected] = []
    for name, its in teams.items() if part else ():
        try:
            found[name] = part.chosen(its, name)
        except NothingSelected as error:
            without.append(error)
    if without and not found:
        raise without[0]
    return {name: found.get(name, frozenset()) for name in teams} if part else None


def _sides(root: Path, name: str, commit: str, arguments: Namespace) -> tuple[State, State]:
    folder = f"manifests/{name}"
    before = State(arguments.base, revision.at(root, commit, folder))
    return before, State("the work tree", revision.in_tree(root, folder))


def _with_freshness(root: Path, found: EnvironmentDiff) -> EnvironmentDiff:
    """Manifests are read here, never inputs: what was edited and not rendered would be missing without a word."""
    name = found.environment
    if name not in environment.names(root):
        return found
    if _takes_long(root, name):
        return replace(found, warnings=[*found.warnings, _UNCHECKED.format(name)])
    changed = [pipeline.name for pipeline in found.pipelines if pipeline.changes]
    return replace(found, problems=_stale(root, name, changed[:_SUSPECTS]))


def _takes_long(root: Path, name: str) -> bool:
    """Whether there is much to render, and nothing is remembered of an earlier time."""
    large = len(files.list_folders(root, f"manifests/{name}/pipelines")) >= memo.FEWEST
    return large and not memo.load(root, name).known


def _stale(root: Path, name: str, suspects: Sequence[str] = ()) -> list[Problem]:
    """Why the manifests are not what their inputs render to; what was edited by hand is among the suspects."""
    from kfp_gitops.rendering.render import is_fresh

    try:
        fresh = is_fresh(root, name, suspects)
    except InputError as error:
        why, todo = "its inputs do not render, so it is of earlier ones", "correct what is said next"
        return [Problem(f"manifests/{name}", 0, 0, why, todo), *error.problems]
    except GitOpsError as error:
        why, todo = f"its inputs do not render: {error}", f"run `python scripts/render.py --env {name}`"
        return [Problem(f"manifests/{name}", 0, 0, why, todo)]
    why, todo = "is not what its inputs render to", f"run `python scripts/render.py --env {name}`"
    return [Problem(f"manifests/{name}", 0, 0, why, todo)] if not fresh else []


def _calendar(arguments: Namespace) -> int:
    known = environment.names(arguments.root)
    if not arguments.all and arguments.env not in known:
        raise UsageError(f"no environment {arguments.env!r}; there are: {', '.join(known) or 'none'}")
    names = known if arguments.all else [arguments.env]
    states = {name: _state(arguments, name) for name in names}
    chosen = _chosen(arguments, {name: selected.teams(state, state) for name, state in states.items()})
    found = [_week(state, name, arguments, chosen) for name, state in states.items()]
    for name in set(names) & set(environment.names(arguments.root)):
        for problem in [] if _takes_long(arguments.root, name) else _stale(arguments.root, name):
            console.note(problem.as_warning())
    match arguments.format:
        case "json":
            _write(arguments, jsonform.calendars_to_json(found))
        case "markdown":
            _write(arguments, "\n".join(calendar_markdown(item) for item in found))
        case _:
            _write(arguments, "\n\n".join(calendar_text(item) for item in found))
    return ExitCode.OK


def _state(arguments: Namespace, name: str) -> State:
    texts = revision.in_tree(arguments.root, f"manifests/{name}")
    if not texts:
        known = ", ".join(environment.names(arguments.root))
        raise UsageError(
            f"manifests/{name} does not exist; environments: {known}; run `python scripts/render.py --all`"
        )
    return State("the work tree", texts)


def _week(
    state: State, name: str, arguments: Namespace, chosen: Mapping[str, frozenset[str]] | None
) -> Calendar:
    start: datetime = arguments.start
    zone, manifests = str(state.settings.get("timeZone") or "UTC"), state.manifests(start)
    part = None if chosen is None else chosen[name]
    if part is not None:
        manifests = {key: value for key, value in manifests.items() if key in part}
    found = following(state, start, {}, part)
    if arguments.host:
        found = hosted.with_durations(found, name, state, arguments)
    return calendar(name, zone, manifests, start, state.idle(start), found)


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
