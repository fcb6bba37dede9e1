"""`preview down`: take a preview down, with its runs."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import visible
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.preview import options

if TYPE_CHECKING:
    from kfp_gitops.reconcile.takedown import TakenDown

_EXAMPLES = """  python scripts/preview.py down --pr 42 --host http://127.0.0.1:8888"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "down",
        help="take a preview down",
        description="Delete all of a preview, its runs too.",
        examples=_EXAMPLES,
    )
    options.add_number(parser)
    options.add_environment(parser)
    options.add_kfp(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Exit 1 when something stays, because somebody else uses it."""
    from kfp_gitops.operate.previews import registered
    from kfp_gitops.operate.previews.proposal import called

    its = options.home(arguments)
    api, name = options.api(arguments, its), called(arguments.pr)
    with options.locked(arguments, api, its, name):
        done = registered.taken_down(api, its, arguments.pr)
    return told(name, done)


def told(name: str, done: TakenDown) -> int:
    """What went, and what stays."""
    for left in done.left:
        console.result(visible.line(f"{left.kind} {left.name} stays: {left.why}"))
    console.result(f"{name}: {counted(done)}")
    return ExitCode.DIFFERENCES if done.left else ExitCode.OK


def counted(done: TakenDown) -> str:
    """In a few words."""
    kinds: Sequence[tuple[str, int]] = sorted(Counter(one.kind for one in done.gone).items())
    found = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds)
    return f"deleted {found}" if found else "nothing of it was there"
