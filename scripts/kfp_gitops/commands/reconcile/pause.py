"""`reconcile pause`: turn every schedule of an environment off for a while, and leave a note who did."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.pasted import pasted
from kfp_gitops.commands.reconcile import kept, options
from kfp_gitops.commands.reconcile.progress import Lines
from kfp_gitops.sources import selection
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.operate.operations.pause import Part

_EXAMPLES = """  python scripts/reconcile.py pause --env prod --until 8h --reason 'the database is being moved'
  python scripts/reconcile.py pause --env prod --pipeline churn --until 2h --reason 'its table is late'   one pipeline's
  python scripts/reconcile.py pause --env prod --select team=churn --until 2d   one team's schedules

Schedules start nothing until then; runs that are under way go on (run.py --terminate --all-running stops them). What
is held back is told by `status` and by `resume`, with the command that makes it up. Paused twice, what lasts longer
counts."""


_SHAPE = "--until 8h, as in `pause --env prod --until 8h --reason 'the database is being moved'`"


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "turn every schedule off until a time; plan and apply respect it"
    parser = subcommands.add_parser("pause", help=about, description=f"{about}.", examples=_EXAMPLES)
    options.add_target(parser)
    selection.add(parser)
    options.add_identity(parser)
    parser.add_argument(
        "--until",
        metavar="T",
        help="needed: 8h, 30m, 2d, or an instant in RFC 3339; nothing is paused for ever",
    )
    parser.add_argument("--by", default=None, metavar="NAME", help="who pauses (default: this user)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for those who read it later")
    parser.add_argument("--why", dest="reason", default=SUPPRESS, help=SUPPRESS)  # as it was called once
    options.add_lock(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Pause; exit 4 when a schedule could not be disabled: then do it again."""
    from kfp_gitops.operate.operations import pause

    if arguments.until is None:
        raise UsageError(f"reconcile.py pause: until when? Add {_SHAPE}")
    only = pause.checked(options.selected(arguments))
    now = datetime.now(UTC).replace(microsecond=0)
    by = re.sub(r"\s+", "-", (arguments.by or console.user()).strip()) or "somebody"
    asked = pause.Pause("", pause.until(arguments.until, now), by, " ".join(arguments.reason.split()), only)
    part = _part(arguments, only) if only else None
    owner, api = options.owned(arguments)
    with options.locked(arguments, api, owner) as held:
        kept.lost_pauses_again(held, api, owner)
        failed = pause.begin(api, owner, asked, now, (lines := Lines()).tell, part)
        kept.pauses(held, api, owner)
    lines.ended()
    console.result(f"{arguments.env} is {asked}")
    _afterwards(arguments, only)
    for line in columns.first_of(failed, 20, "… {more} more, for the same or another reason"):
        console.note(line)
    return ExitCode.REMOTE_FAILED if failed else ExitCode.OK


def _afterwards(arguments: Namespace, only: Selection) -> None:
    """How it ends, and what it does not do."""
    words = " ".join(["reconcile.py resume", *only.words])
    console.note(
        "runs that are under way go on; the first apply after that time turns the schedules on again, or now:"
    )
    for line in columns.command(pasted(arguments, arguments.env, words), columns.width(), 2):
        console.note(line)


def _part(arguments: Namespace, only: Selection) -> Part:
    """Of whom environment.yaml says which team's they are: it must be there for this."""
    from kfp_gitops.operate.operations.pause import Part
    from kfp_gitops.reconcile.folder import called, teams

    known = teams(options.manifests(arguments), arguments.env)
    return Part(only.chosen(known, arguments.env), known, called(options.manifests(arguments), arguments.env))
