"""What the subcommands of `reconcile` share: their options, and from them the folder and the API."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops import console, locking
from kfp_gitops.commands import connection
from kfp_gitops.ownership import Owner

if TYPE_CHECKING:
    from kfp_gitops.kfpapi.client import KfpApi


def add_target(parser: ArgumentParser) -> None:
    """Which environment, where its manifests stand, and which KFP."""
    parser.add_argument("--env", required=True, metavar="ENV")
    connection.add(parser)
    parser.add_argument(
        "--manifests", type=Path, metavar="DIR", help="default: manifests/ENV of the repository"
    )


def folder(arguments: Namespace) -> Path:
    """The rendered environment's folder."""
    found: Path = arguments.manifests or arguments.root / "manifests" / arguments.env
    return found.resolve()


def add_identity(parser: ArgumentParser) -> None:
    """For where the manifests are gone."""
    parser.add_argument(
        "--repository", metavar="ID", help="the repository's id (default: what environment.yaml says)"
    )
    parser.add_argument("--namespace", metavar="NS", help="the user namespace, likewise")


def owned(arguments: Namespace) -> tuple[Owner, KfpApi]:
    """Whose objects, and where: by environment.yaml alone, or by what was given in its place.

    Raises:
        InputError: there is no environment.yaml, and not all was given.
    """
    from kfp_gitops.reconcile import desired

    given = (arguments.repository, arguments.host, arguments.namespace)
    if all(text is not None for text in given):
        repository, host, namespace = given
    else:
        found = desired.settings_of(folder(arguments), arguments.env)
        repository, kfp = arguments.repository or found["repository"], found["kfp"]
        host = arguments.host or kfp["host"]
        namespace = kfp["namespace"] if arguments.namespace is None else arguments.namespace
    api = connection.api(arguments, desired.checked_host(host), namespace)
    return Owner(repository, arguments.env), api


def add_lock(parser: ArgumentParser) -> None:
    """How long to wait for which lock."""
    parser.add_argument(
        "--lease", metavar="NAMESPACE/NAME",
        help="the Kubernetes Lease that keeps other reconcilers out (default: a file lock on this machine)",
    )  # fmt: skip
    parser.add_argument(
        "--lock-timeout", type=float, default=300.0, metavar="S", help="seconds to wait for it (default: 300)"
    )


@contextmanager
def locked(arguments: Namespace, api: KfpApi) -> Iterator[None]:
    """Hold the environment's lock; once it is lost, the API writes no more."""
    key = (api.host, api.namespace or "", arguments.env)
    with locking.hold(arguments.lease, key, arguments.lock_timeout, console.note) as held:
        api.before_write = held.check
        yield
