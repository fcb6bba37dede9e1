"""What the subcommands of `reconcile` share: their options, and from them the folder and the API."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kfp_gitops.commands import connection


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
