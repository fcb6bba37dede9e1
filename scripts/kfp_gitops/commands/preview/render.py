"""`preview render`: what a pull request touches, rendered into a folder; reads files, runs none, and asks no server."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.preview import options

_ABOUT = """Render the pipelines that the work tree touches since a revision into a folder, for `up --rendered` where
the secrets are. Nothing of the repository is run: what it holds is read by the scripts that you call."""
_EXAMPLES = """  python scripts/preview.py render --pr 42 --base origin/main --output out
  python scripts/preview.py --root ../proposed render --pr 42 --base origin/main --output out"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "render", help="write what would be previewed to a folder", description=_ABOUT, examples=_EXAMPLES
    )
    options.add_number(parser)
    options.add_environment(parser)
    add_base(parser)
    add_head(parser)
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="a folder, made anew")
    parser.set_defaults(run=run)


def add_base(parser: ArgumentParser) -> None:
    """Since when."""
    parser.add_argument(
        "--base", default="HEAD", metavar="REV", help="what changed since this revision (default: HEAD)"
    )


def add_head(parser: ArgumentParser) -> None:
    """Of what."""
    parser.add_argument(
        "--head", default="", metavar="COMMIT",
        help="the commit that it is told to be of, where the work tree is what merging it makes (default: HEAD)",
    )  # fmt: skip


def run(arguments: Namespace) -> int:
    """Write it, and say what it is."""
    from kfp_gitops.operate.previews import proposal

    out: Path = arguments.output.absolute()
    _refuse_unwritable(out, arguments.output)
    name = options.named(arguments)
    found = proposal.made(arguments.root, name, arguments.pr, arguments.base, out, arguments.head)
    console.note(
        f"{found.prefix}: {columns.some(found.pipelines) if found.pipelines else 'no pipeline is touched'}"
    )
    return ExitCode.OK


def _refuse_unwritable(out: Path, named: Path) -> None:
    """Before anything is rendered."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        what = f"--output {named}: {error.strerror}"
        raise UsageError(f"{what}; name a folder that can be written, or that is not there") from None
