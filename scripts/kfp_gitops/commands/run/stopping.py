"""`run --terminate`: stop a run, or all that have not ended."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, RefusedError, RemoteError
from kfp_gitops.commands import console
from kfp_gitops.commands.run import question
from kfp_gitops.commands.run.here import Here

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.models import RunState
    from kfp_gitops.operate.runlook.ours import Ours

_SHOWN = 20


def run(here: Here) -> int:
    """Stop one, or all."""
    from kfp_gitops.operate.operations import terminate
    from kfp_gitops.operate.runlook import ours

    its = ours.whole(here.api, here.owner, here.called)
    if here.arguments.all_running:
        return _all(here, its)
    run_id = here.arguments.terminate
    if not its.of(here.api.run(run_id)):
        raise RefusedError(
            f"run {run_id} is in none of {here.environment}'s experiments, so it is not stopped from here; "
            "stop it in KFP, or give the --env that it is of"
        )
    console.result(f"run {run_id} {terminate.terminate(here.api, run_id)}")
    _waited(here, [run_id])
    return ExitCode.OK


def _waited(here: Here, run_ids: Iterable[str]) -> None:
    """With --wait, until each has ended."""
    from kfp_gitops.operate import following

    arguments = here.arguments
    for run_id in run_ids if arguments.wait else ():
        left = None if arguments.timeout is None else max(0.0, here.api.budget.seconds)
        shown = following.follow(here.watch, run_id, console.note, left)
        console.result(f"run {run_id} has ended: {shown.run.state}")


def _all(here: Here, its: Ours) -> int:
    from kfp_gitops.kfpserver.kfpapi.transport import each

    found = _running(here, its)
    if not found:
        console.result(f"no run of {here.environment}{_which(here)} is under way")
        return ExitCode.OK
    lines = [f"  {run.state:<9} {its.of(run)} {run.id}" for run in found]
    console.note(f"{columns.counted(len(found), 'run')} of {here.environment}{_which(here)} under way:")
    for line in columns.first_of(lines, _SHOWN, "  … {more} more (--list)"):
        console.note(line)
    _confirmed(here, len(found))
    told = each(lambda run: _stopped(here, run), found)
    for line in columns.first_of([text for _, text in told], _SHOWN, "… {more} more, in the same way"):
        console.result(line)
    failed = sum(not done for done, _ in told)
    console.result(f"{columns.counted(len(found) - failed, 'run')} terminated, {failed} not")
    _waited(here, [run.id for (done, _), run in zip(told, found, strict=True) if done])
    console.note("schedules go on starting runs: `reconcile.py pause` keeps them off")
    return ExitCode.REMOTE_FAILED if failed else ExitCode.OK


def _which(here: Here) -> str:
    return f" whose pipeline is {here.arguments.pipeline}" if here.arguments.pipeline else ""


def _running(here: Here, its: Ours) -> list[RunState]:
    from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE

    glob = here.arguments.pipeline or "*"
    return [
        run for run in here.api.runs_since(None, ACTIVE) if its.of(run) and fnmatchcase(its.of(run), glob)
    ]


def _confirmed(here: Here, number: int) -> None:
    if here.arguments.yes:
        return
    question.ask(
        f"terminate {'it' if number == 1 else f'all {number:,}'}? Exit tasks do not run.",
        "run.py: --terminate --all-running asks first, and nobody can be asked here: add --yes",
        "nothing was terminated",
    )


def _stopped(here: Here, run: RunState) -> tuple[bool, str]:
    from kfp_gitops.operate.operations import terminate

    try:
        return True, f"run {run.id} {terminate.terminate(here.api, run.id)}"
    except RemoteError as error:
        return False, f"run {run.id}: {error}"
