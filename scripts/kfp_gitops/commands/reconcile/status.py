"""`reconcile status`: how an environment is; reads only, and compiles nothing."""

from __future__ import annotations

import shlex
from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.common import as_called, repository
from kfp_gitops.commands.reconcile import lines, options
from kfp_gitops.commands.reconcile.circumstances import with_pause
from kfp_gitops.sources import selection

if TYPE_CHECKING:
    from kfp_gitops.base.metrics import Promised, Report
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.operate.status.build import Look
    from kfp_gitops.operate.status.model import PipelineStatus, Promise, Status
    from kfp_gitops.reconcile.records import DesiredPipeline


_ABOUT = """Show how the environment is: what needs somebody first, with the command that comes next, and in the last
line the sum. Exit 1 when something is unhealthy: failed, missed, late (what its `slo`
promises is not kept), different, in conflict."""
_EXAMPLES = """  python scripts/reconcile.py status --env dev                       what needs somebody
  python scripts/reconcile.py status --env dev --all                 and every pipeline
  python scripts/reconcile.py status --env dev --pipeline 'churn-*'  these only
  python scripts/reconcile.py status --env dev --json                everything, for machines"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "show how the environment is; exit 1 when something is unhealthy"
    parser = subcommands.add_parser("status", help=about, description=_ABOUT, examples=_EXAMPLES)
    options.add_target(parser)
    selection.add(parser, "show only pipelines")
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
        help="exit 0 also when something is unhealthy: --push-gateway tells of it",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Look at one environment and show it."""
    from kfp_gitops.operate.status import build, show
    from kfp_gitops.reconcile import desired
    from kfp_gitops.reconcile.observe import observe
    from kfp_gitops.reconcile.plan import plan

    if arguments.exit_zero and not arguments.push_gateway:
        raise UsageError("--exit-zero tells nobody: give --push-gateway too, or leave it out")
    part = options.selected(arguments)
    wanted = desired.reviewed(options.manifests(arguments), arguments.env, arguments.host, part)
    api = connection.api(arguments, wanted.host, wanted.namespace)
    wanted = with_pause(api, wanted)
    actual = observe(api, wanted)
    planned = plan(wanted, actual)
    look = build.Look.of(wanted, actual, planned)
    status = look.whole(_looked_at(api, look))
    if arguments.json:
        console.result(show.to_json(status, partial(_said, arguments)))
    else:
        told = show.to_text(
            status, partial(_said, arguments), columns.width(), everything=arguments.everything
        )
        console.result(told)
    for note in lines.notes(arguments, planned):
        console.note("\n".join(columns.folded(note, columns.width(), 2)))
    _report(arguments.report, status)
    return ExitCode.OK if status.healthy or arguments.exit_zero else ExitCode.DIFFERENCES


def _said(arguments: Namespace, text: str) -> str:
    """A command as one types it to reach the same environment: `run.py --status ID` → `python scripts/run.py …`."""
    script, _, rest = text.partition(" ")
    subcommand, _, options = rest.partition(" ") if not rest.startswith("-") else ("", "", rest)
    same = [f"--env {shlex.quote(arguments.env)}"]
    same += [f"--host {shlex.quote(arguments.host)}"] if arguments.host else []
    same += [f"--root {shlex.quote(str(arguments.root))}"] if arguments.root != repository() else []
    words = [f"python scripts/{script}", subcommand, *same, options]
    return as_called(" ".join(filter(None, words)))


def _looked_at(api: KfpApi, look: Look) -> list[PipelineStatus]:
    """The pipelines, many at once; of none are its newest runs kept, only what they say of it."""
    from kfp_gitops.kfpserver.kfpapi.transport import each
    from kfp_gitops.operate.status.missed import NEWEST
    from kfp_gitops.reconcile.records import experiment_name

    owner, experiments = look.desired.owner, look.actual.experiments

    def at(pipeline: DesiredPipeline) -> PipelineStatus:
        found = experiments.get(experiment_name(pipeline.name, owner.environment))
        runs = api.runs(found.id, NEWEST) if found and found.owner == owner else ()
        return look.at(pipeline, runs)

    return each(at, look.desired.pipelines)


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
