"""How a command reaches KFP: the options that every such command has, and the API that they lead to."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console

if TYPE_CHECKING:  # the client is imported when it is needed, not for --help or a bad command line
    from kfp_gitops.kfpserver.kfpapi.budget import Budget
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.metadata import Metadata

_PATIENCE = 60.0
"""Seconds; enough for a restart of KFP by hand, and not too long for whoever sits before it."""
TIMEOUT = 1800.0
"""Seconds that a command may speak to KFP in all, unless --timeout says otherwise."""

_OF_ONE = re.compile(r"([a-z0-9-]+)=(https?://.*)")
_USUAL = (
    "how long this may wait for KFP, and for a lock before it, in all; a single request has 60 s "
    "(default: {}, and --wait where there is one)"
)


def add(
    parser: ArgumentParser,
    host: str = "the KFP API (default: what environment.yaml says)",
    patience: float = _PATIENCE,
    timeout: str | None = None,
    *,
    several: bool = False,
) -> None:
    """Declare the options; `timeout` is what is said of that option where it is not the usual.

    `several`: there may be more than one host.

    There is none for a secret itself: command lines are seen by everybody.
    """
    many: dict[str, Any] = {"action": "append", "default": []} if several else {}
    parser.add_argument("--host", metavar="URL", help=host, **many)
    parser.add_argument(
        "--patience", type=seconds, default=patience, metavar="S",
        help="go on trying for so long while KFP does not answer, as when it is restarted; what is wrong for good "
        f"ends at once (default: {patience:g})",
    )  # fmt: skip
    add_timeout(parser, timeout or _USUAL)
    group = parser.add_argument_group("credentials")
    group.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help="a bearer token, read again when it rotates (default: KFP_TOKEN, or KF_PIPELINES_SA_TOKEN_PATH)",
    )  # fmt: skip
    group.add_argument(
        "--cookies-file", type=Path, metavar="FILE", help="the value of the Cookie header (KFP_COOKIES_FILE)"
    )
    group.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="the host's certificate authority, PEM (KFP_CA_FILE)"
    )


def add_metadata(parser: Any) -> None:
    """Declare where outputs and metrics of runs are read."""
    parser.add_argument(
        "--metadata", metavar="URL",
        help="where KFP's metadata store is, for outputs and metrics (default: kfp.metadata of the environment; on "
        "this machine the host itself), as http://127.0.0.1:9090 after "
        "kubectl port-forward -n kubeflow svc/metadata-envoy-service 9090",
    )  # fmt: skip


def metadata(arguments: Namespace, api: KfpApi, kfp: Mapping[str, Any]) -> Metadata:
    """The metadata store beside an environment's API.

    Raises:
        UsageError: what was given is no URL.
    """
    from kfp_gitops.kfpserver.metadata import Metadata, address
    from kfp_gitops.reconcile.hosts import checked_host

    given = arguments.metadata
    return Metadata.beside(api, checked_host(given) if given else address(kfp, api.host))


def hosts(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Environment → its host, where one was given.

    Raises:
        UsageError: of several environments it does not say whose it is, or it is of none of them.
    """
    found: dict[str, str] = {}
    for text in given:
        of_one = _OF_ONE.fullmatch(text)
        if of_one and of_one[1] not in names:
            raise UsageError(f"--host {of_one[1]}=…: that environment is not asked for")
        if not of_one and len(names) != 1:
            raise UsageError(
                "--host: of several environments say whose it is, as in --host dev=http://127.0.0.1:8888"
            )
        found[of_one[1] if of_one else names[0]] = of_one[2] if of_one else text
    return found


def add_timeout(parser: ArgumentParser, about: str) -> None:
    """Declare how long a command may wait for others in all; `about` may name the usual."""
    parser.add_argument("--timeout", type=seconds, metavar="S", help=about.format(f"{TIMEOUT:g}"))
    parser.set_defaults(budget=None)


def budget(arguments: Namespace, usual: float = TIMEOUT) -> Budget:
    """What is left of --timeout, or of `usual` seconds: one for all that a command waits for."""
    from kfp_gitops.kfpserver.kfpapi.budget import Budget

    found: Budget = arguments.budget or Budget()
    arguments.budget = found
    return found.of(usual if arguments.timeout is None else arguments.timeout)


def api(arguments: Namespace, host: str, namespace: str, usual: float = TIMEOUT) -> KfpApi:
    """The API of a host with the credentials that were given, spoken to for --timeout or `usual` seconds in all."""
    from kfp_gitops.kfpserver.kfpapi import access
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.retry import Backoff

    found = access.from_environment(
        token_file=arguments.token_file, cookies_file=arguments.cookies_file, ca_file=arguments.ca_file
    )
    most = usual if arguments.timeout is None else arguments.timeout
    backoff = Backoff(patience=min(arguments.patience, most), tell=console.note)
    return KfpApi(host, namespace, found, backoff, budget(arguments, usual))


def seconds(text: str) -> float:
    """Seconds, 0 or more, less than a year."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 366 * 86400:
        raise ArgumentTypeError(f"{text!r} is no number of seconds, such as 30")
    return found
