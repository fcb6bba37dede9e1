"""How a plan is shown, and where it is written."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile import lines

if TYPE_CHECKING:
    from kfp_gitops.reconcile.plan import Plan
    from kfp_gitops.reconcile.plantext import Look


_MOST = 20
"""Lines of a plan before it is carried out."""


def add(shown: Any) -> None:
    """Declare the options."""
    shown.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    shown.add_argument(
        "--all", action="store_true", dest="everything",
        help="in the text also what does not change, each object by itself, and values in their whole length",
    )  # fmt: skip
    shown.add_argument(
        "--out", type=Path, metavar="FILE",
        help="write it there, with what it rests on, and show the text; `apply --plan FILE` carries out that plan only",
    )  # fmt: skip
    shown.add_argument(
        "--commit", default="", metavar="SHA",
        help="told on what is registered (default: KFP_GITOPS_COMMIT, else the one whose sources were promoted, else "
        "that of the repository, with +changes where manifests/ENV is not as committed)",
    )  # fmt: skip


def show(arguments: Namespace, found: Plan, most: int = 0) -> None:
    """Show the plan, or write it and show its text; what it rests on is kept for `apply --plan`.

    `most`: lines of changes that the text may have; 0 is all.
    """
    from kfp_gitops.reconcile import plantext, report
    from kfp_gitops.reconcile.locking import kept

    kept.keep(found.basis)
    found = lines.placed(arguments, found)
    if arguments.out is None:
        console.result(report.render(found, arguments.format, look(arguments, most)))
        return
    try:
        arguments.out.write_text(report.to_file(found, arguments.format), "utf-8")
    except OSError as error:
        raise UsageError(f"--out {arguments.out}: {error.strerror}") from None
    console.result(plantext.to_text(found, look(arguments, most)))


def look(arguments: Namespace, most: int = 0) -> Look:
    """How a plan is shown here."""
    from kfp_gitops.base import columns
    from kfp_gitops.reconcile.plantext import Look

    everything = arguments.everything
    return Look(columns.width(), everything, console.coloured(), 0 if everything else most)


def beginning(arguments: Namespace, found: Plan) -> None:
    """Show the first lines of what it changes, for its work is to follow in the same log."""
    show(arguments, found, _MOST)


def the_rest(arguments: Namespace, found: Plan) -> None:
    """Show all of it where `beginning` was not all: what somebody is asked to approve is seen whole."""
    from kfp_gitops.reconcile import plantext

    if arguments.format == "text" and plantext.is_cut(found, look(arguments, _MOST)):
        console.result(plantext.to_text(found, look(arguments)))
