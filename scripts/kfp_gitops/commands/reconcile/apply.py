"""`reconcile apply`: plan, then carry the plan out."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import metrics
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import connection, console, listing, mine
from kfp_gitops.commands.reconcile import approved, backfilled, kept, options, outstanding, telling
from kfp_gitops.commands.reconcile.circumstances import circumstances
from kfp_gitops.commands.reconcile.plan import conflicts
from kfp_gitops.sources import selection

if TYPE_CHECKING:
    from kfp_gitops.reconcile.apply import Outcome
    from kfp_gitops.reconcile.approval import Approved
    from kfp_gitops.reconcile.plan import Plan
    from kfp_gitops.reconcile.records import Desired


_AFTER = 10.0
"""Seconds for what is done after the last wait."""
_ABOUT = """Make KFP match the manifests. It shows the beginning of the plan, each step where few pipelines change, else
how far it is, what failed and why, and in the last line the sum."""
_EXAMPLES = """  python scripts/reconcile.py apply --env dev                     the sum is the last line
  python scripts/reconcile.py apply --env dev --all               each step, however many there are
  python scripts/reconcile.py apply --env dev --pipeline churn    this pipeline only
  python scripts/reconcile.py apply --env prod --plan plan.txt    the plan that was approved, or nothing
  python scripts/reconcile.py apply --env dev --as alice --pipeline churn   alice-churn beside it, as it is here"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "apply", help="make KFP match the manifests", description=_ABOUT, examples=_EXAMPLES
    )
    add_options(parser)
    mine.add(parser, renews=True)
    approved.add(parser)
    parser.set_defaults(run=run)


def add_options(parser: ArgumentParser) -> None:
    """What an apply takes."""
    options.add_target(parser)
    selection.add(parser, "touch only pipelines")
    options.add_lock(parser)
    options.add_decisions(parser)
    parser.add_argument(
        "--wait", type=connection.seconds, default=300.0, metavar="S",
        help="how long replacements may wait for a good moment in all; later they are left for the next apply "
        "(default: 300)",
    )  # fmt: skip
    parser.add_argument(
        "--parallel", type=options.positive, default=16, metavar="N", help="pipelines at once (default: 16)"
    )
    telling.add(parser)


def run(arguments: Namespace) -> int:
    """Plan one environment and make the changes."""
    asked = approved.given(arguments)
    return carry_out(arguments, loaded(arguments), asked)


def loaded(arguments: Namespace) -> Desired:
    """What is desired, compiled and proved. Before anything asks the network: a process with threads may not fork."""
    from kfp_gitops.reconcile import desired

    mine.checked(arguments)
    if getattr(arguments, "mine", None):
        return mine.wanted(arguments, options.selected(arguments))
    told = arguments.commit or os.environ.get("KFP_GITOPS_COMMIT", "")
    return desired.load(
        options.manifests(arguments),
        arguments.env,
        arguments.host,
        told,
        options.commit(arguments),
        options.selected(arguments),
    )


def carry_out(arguments: Namespace, wanted: Desired, asked: Approved | None = None) -> int:
    """Plan what was loaded, and make the changes; with `asked`, only if it is that plan."""
    from kfp_gitops.operate.operations import turned_off
    from kfp_gitops.reconcile import guard, takedown
    from kfp_gitops.reconcile.apply import Pace, apply
    from kfp_gitops.reconcile.observe import observe
    from kfp_gitops.reconcile.plan import plan

    began = time.monotonic()
    usual = connection.TIMEOUT + arguments.wait
    api = connection.api(arguments, wanted.host, wanted.namespace, usual)
    api.service_account = wanted.service_account
    with options.locked(arguments, api, wanted.owner) as held, telling.events(arguments) as progress:
        if wanted.aside:  # the lock keeps nothing of it: that nothing is there tells of no loss
            takedown.announced(api, wanted)
        else:
            kept.lost_pauses_again(held, api, wanted.owner)
        decided, wanted = circumstances(arguments, api, wanted)
        actual = observe(api, wanted, decided)
        if not wanted.aside:
            decided = options.without_triggers_after_a_loss(
                arguments, held, api, actual, decided, wanted.owner
            )
        found = plan(wanted, actual, decided)
        arguments.report.planned((c.action, c.kind) for c in found.changes)
        telling.plan(arguments, found)
        found = approved.judged(arguments, held, found, asked)
        there = len(wanted.pipelines) + len(wanted.beside)
        guard.check(found, options.limits(arguments), desired_pipelines=there)
        approved.begin(held, found, asked)
        turned_off.note(api, wanted, actual, found, console.note)
        progress.of(found)
        # What may be waited for is done after it: it needs a moment of --timeout, too.
        pace = Pace(
            arguments.parallel, timedelta(seconds=max(0, min(arguments.wait, api.budget.seconds - _AFTER)))
        )
        done = apply(api, wanted, found, actual, decided, progress.tell, pace, progress.ended)
        approved.ended(held, done, found, asked)
        if not wanted.aside:
            options.remember(held, actual, done, wanted)
            kept.after(held, api, found, wanted, actual, done)
        carried = backfilled.after_apply(arguments, api, wanted, progress.tell, starts=decided.triggers)
    code = _verdict(arguments, found, done)
    missed = outstanding.told(arguments, api, wanted, actual, found)
    _forget_passes(arguments, wanted)
    started, seconds = sum(len(one.started) for one in carried), time.monotonic() - began
    telling.summary(arguments, telling.Sum(found, done, api.sent, seconds, missed, started))
    mine.told(wanted)
    return code


def _forget_passes(arguments: Namespace, wanted: Desired) -> None:
    """Where no trigger waits any more, nor a backfill, no pass looks: what the last told would be an alarm for ever."""
    from kfp_gitops.reconcile.causes import cause

    if not arguments.push_gateway or wanted.backfills or cause.watched(wanted.pipelines):
        return
    if lost := metrics.forget(metrics.checked(arguments.push_gateway), arguments.env, ("trigger",)):
        console.note(lost)


def _verdict(arguments: Namespace, found: Plan, done: Outcome) -> int:
    told = [*done.failed, *done.refused]
    told += [(name, f"left for the next apply: {why}") for name, why in done.postponed]
    listing.reasons(told, everything=arguments.everything)
    refused = conflicts(found, everything=arguments.everything)
    if done.failed:
        return ExitCode.REMOTE_FAILED
    if done.refused:
        return ExitCode.REFUSED
    return refused or (ExitCode.DIFFERENCES if done.postponed else ExitCode.OK)
