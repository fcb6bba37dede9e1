"""The status page of one environment: where it is written, how often, and what it tells when KFP cannot be reached."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from kfp_gitops.base import faults
from kfp_gitops.base.errors import GitOpsError, UsageError
from kfp_gitops.commands import connection, console, pasted
from kfp_gitops.commands.reconcile import look
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.commands.reconcile.look import Looked
    from kfp_gitops.operate.statuspage.places import Place
    from kfp_gitops.operate.statuspage.records import Board, Environment

_HTML = (
    "also write a page, index.html, and the same as data, status.json (schemas/status-page.schema.json): "
    "into a folder, or into a bucket, s3://BUCKET/PREFIX"
)


def add(parser: ArgumentParser, about: str = _HTML) -> None:
    """Declare where the page goes."""
    parser.add_argument("--html", metavar="DIR", help=about)
    parser.add_argument(
        "--every", type=connection.seconds, default=0.0, metavar="S",
        help="the page is made anew every so many seconds: it loads itself anew, and says when it is too old "
        "(default: 0, nobody makes it anew)",
    )  # fmt: skip


def now() -> datetime:
    """This machine's time, to the second, as everything in a page is told."""
    return datetime.now(UTC).replace(microsecond=0)


def environment(
    arguments: Namespace, before: Environment | None = None
) -> tuple[Environment, Looked | GitOpsError]:
    """What a page tells of an environment, and what was found there; or why it could not be looked at."""
    from kfp_gitops.operate.statuspage import build

    try:
        found = look.at(arguments, build.NEWEST)
    except GitOpsError as error:
        return build.unseen(arguments.env, faults.told(error), now(), before), error
    say = partial(pasted.anywhere, arguments, arguments.env)
    known = build.Known(found.desired, found.actual, found.status, found.runs, say, int(arguments.every))
    return build.seen(known), found


def looked(arguments: Namespace) -> Looked:
    """Look at one environment, and write its page, whatever was found.

    Raises:
        GitOpsError: it could not be looked at; its page says so.
    """
    from kfp_gitops.operate.statuspage import merged, places

    if Selection.of(arguments):
        raise UsageError("--html is of a whole environment: leave out it, or the selection")
    place = places.at(arguments.html)
    earlier = merged.environments(filter(None, [places.before(place)]))
    told, found = environment(arguments, earlier.get(arguments.env))
    made = merged.board({arguments.env: told}, (), now(), int(arguments.every), None)
    write(place, made)
    if isinstance(found, GitOpsError):
        raise found
    return found


def write(place: Place, board: Board) -> None:
    """Write a page, and say where it is."""
    from kfp_gitops.operate.statuspage import places

    places.publish(place, board)
    console.note(f"wrote {place.shown(places.PAGE)}")
