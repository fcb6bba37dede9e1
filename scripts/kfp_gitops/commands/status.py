"""`status`: all environments at once, as a page, as JSON, or a line each."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import faults
from kfp_gitops.base.errors import ExitCode, InputError, UsageError
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.reconcile import paged
from kfp_gitops.sources import environment

if TYPE_CHECKING:
    from kfp_gitops.operate.statuspage.merged import Way
    from kfp_gitops.operate.statuspage.places import Place
    from kfp_gitops.operate.statuspage.records import Board, Environment

_ABOUT = """Show how environments are, side by side: a line each, or with --html a page that has all pipelines with
their version, what waits for promotion, the week's schedules, the last runs, and what needs somebody. One that cannot
be reached is told as it was last known, and ends it with 4; else it ends with 1 when something needs somebody."""
_EXAMPLES = """  python scripts/status.py --all --html page                        page/index.html and page/status.json
  python scripts/status.py --env dev --html page --host http://127.0.0.1:8888
  python scripts/status.py --from s3://status/kfp --html page       of what the environments' own jobs wrote
  python scripts/status.py --all                                    a line each"""


def _parser() -> Parser:
    parser = Parser("status.py", _ABOUT, _EXAMPLES)
    parser.add_argument(
        "--env", action="append", default=[], metavar="ENV", help="may be given several times"
    )
    parser.add_argument("--all", action="store_true", help="all environments of the repository")
    parser.add_argument(
        "--from", action="append", default=[], dest="sources", metavar="WHERE",
        help="look at nothing, and take what another made: a status.json, a folder with one in it or in its folders, "
        "or s3://BUCKET/PREFIX; may be given several times, and beside --env",
    )  # fmt: skip
    paged.add(parser)
    parser.add_argument("--json", action="store_true", help="for machines: schemas/status-page.schema.json")
    parser.add_argument(
        "--exit-zero",
        action="store_true",
        help="exit 0 also when something needs somebody: the page tells of it",
    )
    of_each = (
        "[ENV=]URL: the KFP API of an environment (default: what its environment.yaml says); one for each"
    )
    connection.add(parser, host=of_each, patience=5.0, several=True)  # how it is now is what was asked
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Look at the environments, and tell how they are."""
    arguments = parse(_parser(), argv)
    names = _names(arguments)
    hosts = connection.hosts(arguments.host, names)
    place = _place(arguments)
    read, earlier = _read(arguments, names), _earlier(place)
    found, codes = dict(read), []
    for number, name in enumerate(names):
        # Of the time that is left each has its share, so that one that does not answer takes it from nobody.
        share = connection.budget(arguments).seconds / (len(names) - number)
        found[name], code = _looked(arguments, name, hosts.get(name), share, earlier.get(name))
        codes.append(code)
    board = _board(arguments, found)
    _tell(arguments, place, board)
    return max([*codes, _code(arguments, board)])


def _names(arguments: Namespace) -> list[str]:
    known = environment.names(arguments.root)
    if unknown := [name for name in arguments.env if name not in known]:
        there = ", ".join(known) or "none"
        raise UsageError(f"no environment {unknown[0]!r}; there are: {there} (folders of environments/)")
    names = known if arguments.all else list(dict.fromkeys(arguments.env))
    if not names and not arguments.sources:
        raise UsageError(
            "status.py: name environments with --env ENV, --all or --from WHERE, as in `status.py --all`; see --help"
        )
    return names


def _place(arguments: Namespace) -> Place | None:
    return paged.place_of(arguments) if arguments.html else None


def _earlier(place: Place | None) -> Mapping[str, Environment]:
    """What stands there of the environments, from the last time."""
    from kfp_gitops.operate.statuspage import merged, places

    return merged.environments(filter(None, [places.before(place)])) if place else {}


def _read(arguments: Namespace, names: Sequence[str]) -> Mapping[str, Environment]:
    """What others made; what is looked at here is not taken from them."""
    from kfp_gitops.operate.statuspage import merged, places

    known = environment.names(arguments.root)
    with paged.within(arguments):
        found = merged.environments(
            board for where in arguments.sources for board in places.boards(where, known)
        )
    return {name: one for name, one in found.items() if name not in names}


def _looked(
    arguments: Namespace, name: str, host: str | None, seconds: float, before: Environment | None
) -> tuple[Environment, int]:
    """One environment; that it cannot be looked at is told, and ends nothing."""
    whole: dict[str, Any] = {
        "ui": _ui(arguments.root, name),
        "manifests": None,
        "select": [],
        "pipeline": [],
        "push_gateway": None,
        "budget": None,
        "timeout": seconds,
    }
    of_it = Namespace(**{**vars(arguments), **whole, "env": name, "host": host})
    told, error = paged.environment(of_it, before)
    if error is None:
        return told, ExitCode.OK
    console.note(f"{name}: {faults.told(error)}")
    return told, error.exit_code


def _ui(root: Path, name: str) -> str:
    """Where people see its runs, as its values say; where these are broken it has no links."""
    try:
        return str(environment.load(root, name).delivery.get("kfpUi", ""))
    except InputError:
        return ""


def _board(arguments: Namespace, found: Mapping[str, Environment]) -> Board:
    from kfp_gitops.operate.statuspage import merged

    order, way = _way(arguments.root)
    return merged.board(found, order, paged.now(), int(arguments.every), way)


def _way(root: Path) -> tuple[list[str], Way | None]:
    """The environments along their way, and what waits for each; where inputs are broken that is not known."""
    from kfp_gitops.operate.statuspage.records import Waits
    from kfp_gitops.review.promotion.matrix import matrix

    try:
        found = matrix(root, paged.now())
    except (InputError, UsageError) as error:
        console.note(f"what waits for promotion is not known: {faults.told(error)}")
        return [], None
    before = {step.name: step.before for step in found.steps}
    releases = {
        row.pipeline: {name: cell.release or "" for name, cell in row.cells.items()} for row in found.rows
    }
    way = {
        name: {
            row.pipeline: Waits(origin, releases[row.pipeline].get(origin, ""), row.cells[name].waits_since)
            for row in found.rows
            if row.cells[name].state.waits
        }
        for name, origin in before.items()
    }
    return list(before), way


def _tell(arguments: Namespace, place: Place | None, board: Board) -> None:
    from kfp_gitops.operate.statuspage import plain, summary

    if place:
        paged.write(place, board)
    if arguments.json:
        console.result(plain.to_json(board).rstrip("\n"))
        return
    for line in summary.lines(board):
        console.result(line)


def _code(arguments: Namespace, board: Board) -> int:
    from kfp_gitops.operate.statuspage import summary

    if arguments.exit_zero or not summary.needs(board):
        return ExitCode.OK
    return ExitCode.DIFFERENCES
