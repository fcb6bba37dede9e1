"""What the schedules that an apply touched have missed, and what a pause held back: told before the sum.

The same function says it as in `status`. An apply that touched no schedule asks nothing: `status` looks at all.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import LockLostError, RemoteError
from kfp_gitops.commands import console
from kfp_gitops.commands.pasted import pasted

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.operate.operations.outstanding import Outstanding
    from kfp_gitops.reconcile.plan import Plan
    from kfp_gitops.reconcile.records import Desired, DesiredPipeline

_SHOWN = 10


def told(arguments: Namespace, api: KfpApi, wanted: Desired, before: Actual, found: Plan) -> int:
    """Show it, with the command that makes up for it; how many were missed. That KFP fails here fails nothing."""
    from kfp_gitops.operate.operations import pause
    from kfp_gitops.operate.operations.outstanding import outstanding

    pipelines = _touched(wanted, before, found)
    if not pipelines:
        return 0
    try:
        gone = outstanding(api, wanted, pipelines, pause.notes(api))
    except LockLostError:
        raise
    except RemoteError as error:
        console.note(f"what was missed could not be asked, and `status` tells it: {error}")
        return 0
    for line in _lines(arguments, gone):
        console.result(line)
    return sum(len(one.account.missed) for one in gone)


def _touched(wanted: Desired, before: Actual, found: Plan) -> list[DesiredPipeline]:
    """Those with a schedule that changed, and with runs of which something could be known."""
    from kfp_gitops.reconcile.change import Kind
    from kfp_gitops.reconcile.records import experiment_name

    names = {change.pipeline for change in found.to_do if change.kind is Kind.SCHEDULE}
    environment = wanted.owner.environment
    return [
        pipeline
        for pipeline in wanted.pipelines
        if pipeline.name in names and experiment_name(pipeline.name, environment) in before.experiments
    ]


def _lines(arguments: Namespace, gone: Sequence[Outstanding]) -> Iterator[str]:
    from kfp_gitops.operate.status.missed import counted, firings

    missed = [f"  {one.name}: {counted(one.account.missed)}" for one in gone if one.account.missed]
    held = [f"  {one.name}: {firings(len(one.account.held))}" for one in gone if one.account.held]
    yield from _part(arguments, "missed, and nobody made up for it", "--missed", missed, gone)
    yield from _part(arguments, "held back by a pause", "--held", held, gone)


def _part(
    arguments: Namespace, what: str, option: str, lines: Sequence[str], gone: Sequence[Outstanding]
) -> Iterator[str]:
    if not lines:
        return
    yield f"{what}:"
    yield from columns.first_of(lines, _SHOWN, "  … {more} more (status)")
    names = {one.pipeline.name for one in gone}
    only = f" --pipeline {min(names)}" if len(names) == 1 else ""
    text = pasted(arguments, arguments.env, f"run.py{only} --backfill {option}")
    yield from columns.command(text, columns.width(), 2)
