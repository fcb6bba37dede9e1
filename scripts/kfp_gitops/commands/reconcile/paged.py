"""The status page of one environment: where it is written, how often, and what it tells when KFP cannot be reached."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from kfp_gitops.base import faults, replies
from kfp_gitops.base.errors import GitOpsError, RemoteError, UsageError
from kfp_gitops.commands import connection, console, pasted
from kfp_gitops.commands.reconcile import look
from kfp_gitops.reconcile.hosts import checked_host, is_loopback
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


def add_ui(parser: ArgumentParser) -> None:
    """Declare where people see runs."""
    about = "where people see KFP's runs: the page links to the newest ones (default: a KFP of this machine)"
    parser.add_argument("--ui", metavar="URL", type=checked_host, help=about)


def now() -> datetime:
    """This machine's time, to the second, as everything in a page is told."""
    return datetime.now(UTC).replace(microsecond=0)


def environment(
    arguments: Namespace, before: Environment | None = None
) -> tuple[Environment, GitOpsError | None]:
    """What a page tells of an environment; and why it could not be looked at, where it could not."""
    from kfp_gitops.operate.statuspage import build

    try:
        return _seen(arguments, look.at(arguments, build.NEWEST)), None
    except GitOpsError as error:
        return build.unseen(arguments.env, faults.told(error), now(), before), error


def _seen(arguments: Namespace, found: Looked) -> Environment:
    from kfp_gitops.operate.statuspage import build

    say, period = partial(pasted.anywhere, arguments, arguments.env), int(arguments.every)
    ui = arguments.ui or (found.status.host if is_loopback(found.status.host) else "")
    known = build.Known(found.desired, found.actual, found.status, found.runs, say, period, ui)
    return build.seen(known)


def looked(arguments: Namespace) -> Looked:
    """Look at one environment; where KFP cannot be reached and a page is wanted, it says so.

    Raises:
        GitOpsError: it could not be looked at.
    """
    from kfp_gitops.operate.statuspage import build, merged, places

    if not arguments.html:
        return look.at(arguments)
    if Selection.of(arguments):
        raise UsageError("--html is of a whole environment: leave out it, or the selection")
    place = place_of(arguments)
    try:
        return look.at(arguments, build.NEWEST)
    except RemoteError as error:
        earlier = merged.environments(filter(None, [places.before(place)])).get(arguments.env)
        _of_one(arguments, build.unseen(arguments.env, faults.told(error), now(), earlier))
        raise


def tell(arguments: Namespace, found: Looked) -> None:
    """Write the page of what was found, where one is wanted."""
    if arguments.html:
        _of_one(arguments, _seen(arguments, found))


def _of_one(arguments: Namespace, told: Environment) -> None:
    from kfp_gitops.operate.statuspage import merged

    board = merged.board({arguments.env: told}, (), now(), int(arguments.every), None)
    write(place_of(arguments), board)


def place_of(arguments: Namespace) -> Place:
    """Where --html leads to; a bucket answers within --timeout, if that is given."""
    from kfp_gitops.operate.statuspage import places

    with within(arguments):
        return places.at(arguments.html)


def within(arguments: Namespace) -> AbstractContextManager[None]:
    """What is left of --timeout, where somebody gave it."""
    if arguments.timeout is None:
        return nullcontext()
    return replies.within(max(0.0, connection.budget(arguments).seconds))


def write(place: Place, board: Board) -> None:
    """Write a page, and say where it is."""
    from kfp_gitops.operate.statuspage import places

    places.publish(place, board)
    console.note(f"wrote {place.shown(places.PAGE)}")
