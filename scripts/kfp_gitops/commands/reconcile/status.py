"""`reconcile status`: how an environment is; reads only, and compiles nothing."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console, mine
from kfp_gitops.commands.pasted import pasted
from kfp_gitops.commands.reconcile import faulty, kept, lines, options, paged
from kfp_gitops.sources import selection

if TYPE_CHECKING:
    from kfp_gitops.base.metrics import Promised, Report
    from kfp_gitops.operate.status.model import Promise, Status

_ABOUT = """Show how the environment is: what needs somebody first, with the command that comes next, and in the last
line the sum. Exit 1 when something is unhealthy: failed, missed, late (what its `slo`
promises is not kept), different, in conflict."""
_EXAMPLES = """  python scripts/reconcile.py status --env dev                       what needs somebody
  python scripts/reconcile.py status --env dev --all                 and every pipeline
  python scripts/reconcile.py status --env dev --pipeline 'churn-*'  these only
  python scripts/reconcile.py status --env dev --json                everything, for machines
  python scripts/reconcile.py status --env dev --html page           as a page, beside it the same as JSON"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "show how the environment is; exit 1 when something is unhealthy"
    parser = subcommands.add_parser("status", help=about, description=_ABOUT, examples=_EXAMPLES)
    options.add_target(parser)
    selection.add(parser, "show only pipelines")
    mine.add(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        dest="everything",
        help="also the healthy pipelines, and all of the others",
    )
    parser.add_argument("--json", action="store_true", help="for machines: schemas/status.schema.json")
    parser.add_argument(
        "--exit-zero",
        action="store_true",
        help="exit 0 also when something is unhealthy: --push-gateway or --html tells of it",
    )
    paged.add(parser)
    paged.add_ui(parser)
    kept.add(parser)
    faulty.add_cluster(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Look at one environment and show it."""
    from kfp_gitops.operate.status import show

    mine.checked(arguments)
    if arguments.exit_zero and not (arguments.push_gateway or arguments.html):
        raise UsageError("--exit-zero tells nobody: give --push-gateway or --html too, or leave it out")
    found = paged.looked(arguments)
    status, say = found.status, partial(pasted, arguments, arguments.env)
    if arguments.json:
        console.result(show.to_json(status, say))
    else:
        console.result(show.to_text(status, say, columns.width(), everything=arguments.everything))
    if found.left_out:
        whole = columns.counted(found.left_out + len(status.pipelines), "pipeline")
        some = f"{found.left_out:,} of {whole} of {arguments.env} {'is' if found.left_out == 1 else 'are'}"
        console.note(f"{some} not registered as {arguments.mine}'s own")
    for note in lines.notes(arguments, found.planned):
        console.note("\n".join(columns.folded(note, columns.width(), 2)))
    _report(arguments.report, status)
    paged.tell(arguments, found)
    return ExitCode.OK if status.healthy or arguments.exit_zero else ExitCode.DIFFERENCES


def _report(report: Report, status: Status) -> None:
    for pipeline in status.pipelines:
        last = pipeline.last_finished
        report.failed[pipeline.name] = last is not None and last.state == "FAILED"
        for schedule in pipeline.schedules:
            report.missed[pipeline.name, schedule.name] = len(schedule.missed)
        if pipeline.promise:
            report.promises[pipeline.name] = _promised(pipeline.promise)
        report.teams[pipeline.name] = pipeline.team
    report.drift = sum(len(p.drift) for p in status.pipelines) + len(status.other_drift)
    report.faults = len(status.faults)


def _promised(promise: Promise) -> Promised:
    from kfp_gitops.base.metrics import Promised

    fresh, duration, took = (
        span.total_seconds() if span is not None else None
        for span in (promise.fresh, promise.duration, promise.took)
    )
    last = promise.newest_success.timestamp() if promise.newest_success else None
    return Promised(fresh, duration, last, took, frozenset(promise.broken))
