"""`preview`: what a pull request touches, registered beside an environment for some days. One module a subcommand."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Sequence

from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.preview import down, gc, listing, render, up

_EXAMPLES = """  python scripts/preview.py up --pr 42 --base origin/main --run --host http://127.0.0.1:8888
                                              register and run what the work tree touches; prints the comment
  python scripts/preview.py list --host http://127.0.0.1:8888    the previews that are there
  python scripts/preview.py down --pr 42 --host http://127.0.0.1:8888   take one down, runs and all
  python scripts/preview.py gc --host http://127.0.0.1:8888      take down those whose time is over"""
_ABOUT = """Preview a pull request: register what it touches as pr-NUMBER-PIPELINE, with the values of an environment of
previews, without schedules or triggers, and take it down again (docs/previews.md)."""
_SUBCOMMANDS = (up, down, gc, listing, render)


class Subcommand(Parser):
    """A parser without a default root, which would win over a --root that stands before the subcommand."""

    def __init__(self, prog: str, description: str, examples: str = "", **more: object) -> None:
        super().__init__(prog, description, examples, root=SUPPRESS, **more)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one subcommand."""
    parser = Parser("preview.py", _ABOUT, _EXAMPLES)
    subcommands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Subcommand
    )
    for subcommand in _SUBCOMMANDS:
        subcommand.add(subcommands)
    arguments = parse(parser, argv)
    code: int = arguments.run(arguments)
    return code
