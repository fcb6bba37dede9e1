"""`reconcile resume`: end every pause of an environment, or of a part of it, and apply."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from kfp_gitops.commands import connection, console
from kfp_gitops.commands.reconcile import apply, kept, options
from kfp_gitops.sources.selection import Selection

_EXAMPLES = """  python scripts/reconcile.py resume --env prod                       every pause, and apply
  python scripts/reconcile.py resume --env prod --pipeline churn      one pipeline's
  python scripts/reconcile.py resume --env prod --select team=churn   one team's"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "end every pause of the environment, or of what is selected, and apply that"
    parser = subcommands.add_parser("resume", help=about, description=f"{about}.", examples=_EXAMPLES)
    apply.add_options(parser)
    parser.set_defaults(run=run)


def _within(arguments: Namespace) -> Callable[[Selection], bool]:
    """Whether the part that a note is of lies within what is resumed."""
    from kfp_gitops.reconcile.folder import teams

    wanted = options.selected(arguments)
    if not wanted:
        return lambda _: True
    known = teams(options.manifests(arguments), arguments.env)
    chosen = wanted.chosen(known, arguments.env)
    return lambda only: all(name in chosen for name, team in known.items() if only.matches(name, team))


def run(arguments: Namespace) -> int:
    """Take the notes back, then apply: enabling after a pause is a replacement, so that no missed firing runs."""
    from kfp_gitops.operate.operations import pause

    found = apply.loaded(arguments)
    api = connection.api(arguments, found.host, found.namespace)
    with options.locked(arguments, api, found.owner) as held:
        kept.lost_pauses_again(held, api, found.owner)
        if not pause.end(api, found.owner, console.note, _within(arguments)):
            console.note(f"{arguments.env} is not paused{' so' if found.selected else ''}")
        kept.pauses(held, api, found.owner)
    return apply.carry_out(arguments, found)
