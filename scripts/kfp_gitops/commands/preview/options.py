"""What the subcommands of `preview` share: which preview, of which environment, on which KFP, under which lock."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import connection, console
from kfp_gitops.reconcile import locking
from kfp_gitops.sources import environment

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.operate.previews.home import Home

_MOST = 9_999_999


def add_environment(parser: ArgumentParser) -> None:
    """Which environment of previews."""
    parser.add_argument(
        "--env", metavar="ENV", help="the environment of previews (default: the one that there is)"
    )


def add_number(parser: ArgumentParser) -> None:
    """Which pull request."""
    parser.add_argument("--pr", required=True, type=_number, metavar="N", help="the pull request's number")


def add_kfp(parser: ArgumentParser) -> None:
    """Which KFP, and how long to wait for another command on the same preview."""
    connection.add(parser, host="the KFP API (default: what the values say)")
    parser.add_argument(
        "--lock-timeout", type=connection.seconds, default=300.0, metavar="S",
        help="seconds to wait for another command on the same preview on this machine (default: 300)",
    )  # fmt: skip


def home(arguments: Namespace) -> Home:
    """The environment that is meant, by the repository's own files.

    Raises:
        UsageError: there is none, or several and none is named.
    """
    from kfp_gitops.operate.previews import home as homes

    return homes.of(arguments.root, named(arguments))


def named(arguments: Namespace) -> str:
    """Its name."""
    known = environment.of_previews(arguments.root)
    if arguments.env is None and len(known) != 1:
        there = f"there are {', '.join(known)}: say which, --env {known[0]}" if known else "there is none"
        raise UsageError(
            f"preview.py: an environment of previews says `previewOf: ENV` in its values.yaml; {there}"
        )
    return str(arguments.env or known[0])


def api(arguments: Namespace, its: Home) -> KfpApi:
    """The KFP of previews."""
    from kfp_gitops.reconcile.hosts import checked_host

    found = connection.api(arguments, checked_host(arguments.host or its.host), its.namespace)
    found.service_account = its.service_account
    return found


@contextmanager
def locked(arguments: Namespace, found: KfpApi, its: Home, what: str) -> Iterator[None]:
    """Hold this machine's lock of one preview; once it is lost, the API writes no more."""
    key = (found.host, found.namespace or "", its.repository, what)
    with locking.hold(None, key, arguments.lock_timeout, console.note) as held:
        found.before_write = held.check
        yield


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MOST:
        raise ArgumentTypeError(f"{text!r} is no number of a pull request, such as 42")
    return int(text)
