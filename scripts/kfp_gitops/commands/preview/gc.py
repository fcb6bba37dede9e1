"""`preview gc`: take down what has no time left, and what a command that was killed left."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.preview import down, options

_ABOUT = """Take down each preview of this repository whose time is over, what a `down` that was killed left, and what
people registered with --as and whose time is over, too. A CronJob of `reconcile.py trigger` does that by itself."""
_EXAMPLES = """  python scripts/preview.py gc --host http://127.0.0.1:8888"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "gc", help="take down what has no time left", description=_ABOUT, examples=_EXAMPLES
    )
    options.add_environment(parser)
    options.add_kfp(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Exit 1 when something stays, because somebody else uses it."""
    from kfp_gitops.operate.previews import left

    its = options.home(arguments)
    api, code = options.api(arguments, its), int(ExitCode.OK)
    with options.locked(arguments, api, its, "previews"):
        found = left.collect(api, its.repository)
    for one in found:
        code = max(code, down.told(one.of.owner.environment, one.taken))
    if not found:
        console.note("nothing has its time over")
    return code
