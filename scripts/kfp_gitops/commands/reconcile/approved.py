"""`apply --plan`: the plan that was approved, and what is made of it; `plan --approve`: how it gets into Git."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.base import files
from kfp_gitops.base.errors import RefusedError, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.common import as_called
from kfp_gitops.commands.reconcile import options, showing

if TYPE_CHECKING:
    from kfp_gitops.reconcile.apply import Outcome
    from kfp_gitops.reconcile.approval import Approved, Verdict
    from kfp_gitops.reconcile.locking import Held
    from kfp_gitops.reconcile.plan import Plan

_HEX = re.compile(r"[0-9a-fA-F]{12,64}")


def add(parser: ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("the approved plan")
    group.add_argument(
        "--plan", metavar="PLAN",
        help="carry out this plan and no other: the digits that `plan` ended with, or the FILE that `plan --out FILE` "
        "or `plan --approve` wrote, of any format. It is computed anew from KFP as it is now; when anything that it "
        "rests on has moved, nothing is changed, each object that moved is named, and the exit code is 5. Time that "
        "passes moves nothing",
    )  # fmt: skip
    group.add_argument(
        "--require-plan", action="store_true",
        help="without --plan, or with one that does not fit, change nothing and exit 5; where nothing is left to do no "
        "plan is needed (the Job of an environment with `delivery.requirePlan` does so)",
    )  # fmt: skip


def given(arguments: Namespace) -> Approved | None:
    """What --plan says.

    Raises:
        UsageError: neither digits nor a file.
        InputError: the file holds no plan, or another one than it says.
    """
    from kfp_gitops.reconcile.approval import Approved
    from kfp_gitops.reconcile.locking import kept
    from kfp_gitops.rendering import planfile

    text = arguments.plan
    if text is None:
        return None
    if _HEX.fullmatch(text):
        return Approved(text.lower(), kept.kept(text.lower()))
    if not Path(text).is_file():
        raise UsageError(
            f"--plan {text}: no such file, nor the 12 hex digits that `reconcile.py plan` ends with; "
            "`plan --out FILE` writes such a file"
        )
    basis = planfile.read(files.text_of(text, text), text)
    return Approved(basis.digest, basis)


def judged(arguments: Namespace, held: Held, found: Plan, asked: Approved | None) -> Plan:
    """What may be carried out of a plan: all of it where none is asked for, or where it is the approved one.

    Raises:
        RefusedError: it is another one.
    """
    from kfp_gitops.reconcile import approval
    from kfp_gitops.reconcile.approval import Verdict

    if asked is None and not getattr(arguments, "require_plan", False):
        return found
    verdict = approval.verdict(found, asked, held.begun)
    arguments.report.moved = approval.left(found, asked, held.begun) if verdict is Verdict.OTHER else ()
    if verdict is Verdict.OTHER:
        showing.the_rest(arguments, found)
        raise RefusedError(approval.refusal(found, asked, held.begun, _renewed_by(arguments, found)))
    if verdict is not Verdict.SAME:
        console.note(_said(verdict, asked))
    return found.without_tidying() if verdict is Verdict.TIDYING else found


def begin(held: Held, found: Plan, asked: Approved | None) -> None:
    """An apply that is killed has moved the world itself: the next one is to know whose work that was."""
    if asked and found.to_do and asked.is_of(found.basis):
        held.begin(found.basis.digest)


def _said(verdict: Verdict, asked: Approved | None) -> str:
    from kfp_gitops.reconcile.approval import Verdict

    plan = f"plan {asked.id}" if asked else "an approved plan"
    match verdict:
        case Verdict.CONTINUED:
            return f"{plan} was begun and has not run through: the rest of it is carried out"
        case Verdict.TIDYING:
            return "only old versions would be deleted, which no approved plan says: they are left for one that does"
    return f"{plan} is not needed: there is nothing to do"


def ended(held: Held, done: Outcome, found: Plan, asked: Approved | None) -> None:
    """What has run through need not be gone on with; that a part did says nothing of a plan of the whole."""
    if found.ground.desired.selected and not (asked and asked.is_of(found.basis)):
        return
    if held.begun and not done.failed and not done.postponed:
        held.begin("")


def _renewed_by(arguments: Namespace, found: Plan) -> str:
    env = arguments.env
    if getattr(arguments, "require_plan", False):
        return as_called(f"`python scripts/reconcile.py plan --env {env} --approve`, then commit and merge")
    part = "".join(f" {word}" for word in options.selected(arguments).words)
    return as_called(f"`python scripts/reconcile.py apply --env {env}{part} --plan {found.basis.id}`")


def may_approve(arguments: Namespace) -> None:
    """Before anything is asked.

    Raises:
        UsageError: there is no environment to approve it for, or the Job would never carry it out.
    """
    if options.selected(arguments):
        raise UsageError(
            "--approve is for the environment's Job, which applies all of it: leave the selection out; of a part "
            "`plan --out FILE` and `apply --plan FILE` with the same selection"
        )
    if arguments.manifests or not (arguments.root / "environments" / arguments.env).is_dir():
        what = "--approve writes into environments/ENV of a repository"
        raise UsageError(f"{what}: give the repository with --root, and leave --manifests out")


def approve(arguments: Namespace, found: Plan) -> None:
    """Write the plan where the environment's Job takes it from."""
    from kfp_gitops.commands import render
    from kfp_gitops.rendering import planfile
    from kfp_gitops.sources import environment

    env, root = arguments.env, arguments.root
    if not found.differences:
        console.note("there is nothing to do, which needs no approved plan: none was written")
        return
    path = planfile.path(env)
    files.write_text(root, path, planfile.to_yaml(found.basis, _comments(env)))
    console.note(f"{path}: plan {found.basis.id}; commit it with manifests/{env}: merging approves it")
    if not environment.load(root, env).delivery["requirePlan"]:
        console.note(f"{env} does not require it: set `delivery: {{requirePlan: true}}` in its values.yaml")
    with redirect_stdout(sys.stderr):  # the plan's identity stays the last line
        render.main(["--root", str(root), "--env", env])


def _comments(env: str) -> list[str]:
    return [
        f"The plan that is approved for {env} by merging this: its Job carries out this one or nothing.",
        f"Written by `python scripts/reconcile.py plan --env {env} --approve`, which renews it; never edited.",
    ]
