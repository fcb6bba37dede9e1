"""How a command reaches KFP: the options that every such command has, and the API that they lead to."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the client is imported when it is needed, not for --help or a bad command line
    from kfp_gitops.kfpapi.client import KfpApi


def add(parser: ArgumentParser, host: str = "the KFP API (default: what environment.yaml says)") -> None:
    """Declare the options. There is none for a secret itself: command lines are seen by everybody."""
    parser.add_argument("--host", metavar="URL", help=host)
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


def api(arguments: Namespace, host: str, namespace: str) -> KfpApi:
    """The API of a host with the credentials that were given."""
    from kfp_gitops.kfpapi import access
    from kfp_gitops.kfpapi.client import KfpApi

    found = access.from_environment(
        token_file=arguments.token_file, cookies_file=arguments.cookies_file, ca_file=arguments.ca_file
    )
    return KfpApi(host, namespace, found)
