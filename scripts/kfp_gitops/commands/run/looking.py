"""`run --status` and `run --logs`: how a run went, and what its tasks wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kfp_gitops.base import columns, visible
from kfp_gitops.base.errors import ExitCode, GitOpsError
from kfp_gitops.commands import console
from kfp_gitops.commands.run.here import Here

if TYPE_CHECKING:
    from kfp_gitops.operate.following import Shown
    from kfp_gitops.operate.runlook.detail import Detail
    from kfp_gitops.operate.runlook.tasks import OnePod

_LINES = 200
_PODS = 20
"""Logs that are shown of one task: a loop may have run it a thousand times."""


def status(here: Here, run_id: str) -> int:
    """Show one run; exit 4 when it failed."""
    from kfp_gitops.operate.runlook import detail

    found = _detail(here, here.watch.settled(here.watch.look(run_id)))
    why = ""
    if here.arguments.outputs:
        try:
            found = replace(found, given=here.results.of(found.shown))
        except GitOpsError as error:  # all the rest is known
            why = str(error)
    console.result(detail.to_json(found) if here.arguments.json else detail.to_text(found, columns.width()))
    if why:
        console.note(f"no outputs and metrics: {why}")
        return ExitCode.REMOTE_FAILED
    return _code(found.shown)


def ended(here: Here, shown: Shown) -> int:
    """Show one that was followed, and why it failed."""
    from kfp_gitops.operate import following
    from kfp_gitops.operate.runlook import reason

    why = reason.told(
        reason.of(here.api, shown, here.said), shown, here.api.run_link(shown.run.id), columns.width()
    )
    console.result("\n".join([*following.table(shown), *why]))
    return _code(shown)


def _code(shown: Shown) -> int:
    return ExitCode.REMOTE_FAILED if shown.run.state in ("FAILED", "CANCELED") else ExitCode.OK


def _detail(here: Here, shown: Shown) -> Detail:
    from kfp_gitops.operate.runlook import origin, ours, reason
    from kfp_gitops.operate.runlook.detail import Detail

    run = shown.run
    pipeline = ours.whole(here.api, here.owner, here.called).of(run)
    schedules = {found.id: found.name for found in here.api.schedules()} if run.schedule_id else {}
    return Detail(
        here.environment,
        pipeline,
        shown,
        origin.of(run, pipeline, schedules, here.api.run_link),
        reason.of(here.api, shown, here.said),
        here.api.run_link(run.id),
    )


def logs(here: Here, run_id: str, task: str) -> int:
    """Show the log of a task, of each item and attempt; exit 4 where KFP gives none, with the line that does."""
    from kfp_gitops.operate.runlook import tasks

    found = tasks.pods(tasks.named(here.watch.look(run_id).tasks, task, run_id))
    if not found:
        console.note(
            f"{task} of run {run_id} has no pod: it did not begin, or its result came from the cache"
        )
        return ExitCode.OK
    shown = found[-_PODS:]
    if len(shown) < len(found):
        console.note(f"the last {len(shown)} of {len(found):,} logs")
    told = [_log(here, run_id, pod, headed=len(shown) > 1) for pod in shown]
    return ExitCode.OK if all(told) else ExitCode.REMOTE_FAILED


def _log(here: Here, run_id: str, pod: OnePod, *, headed: bool) -> bool:
    from kfp_gitops.operate.runlook import podlogs

    most = _LINES if here.arguments.lines is None else here.arguments.lines
    if headed:
        console.result(f"==> {pod} <==")
    if most:
        lines, failure = podlogs.last(here.api, run_id, pod.pod, most)
        for line in lines:
            _line(line)
    else:
        failure = podlogs.read(here.api, run_id, pod.pod, _line)
    if failure:
        console.note(f"KFP does not give the log of {pod} ({failure}); while its pod is there, this does:")
        console.note(f"  {podlogs.kubectl(here.api, pod.pod)}")
        console.note(f"and where logs are archived, KFP's page of the run: {here.api.run_link(run_id)}")
    return not failure


def _line(text: str) -> None:
    console.result(visible.line(text) if "\t" not in text else visible.row(text))
