"""`reconcile plan --as-values`: what somebody did in KFP's UI as an edit of values, reviewed like any other."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, RefusedError, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile import drift_branch

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual
    from kfp_gitops.reconcile.records import Desired, Options
    from kfp_gitops.reconcile.valuefind import Found
    from kfp_gitops.reconcile.wishes import Drifted, Unsayable, Wish
    from kfp_gitops.rendering.trial import Edit
    from kfp_gitops.sources.environment import Environment


def add(parser: ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("what somebody did in KFP, as a change of Git")
    group.add_argument(
        "--as-values", action="store_true",
        help="in place of the plan, print the edit of the environment's values (or of its team's file) that makes Git "
        "equal to what the schedules in KFP are now: cron, interval, start, end, enabled, parameters, maxConcurrency, "
        "catchup, and a pause that the values say. What no value says is told with its place. Exit 1 when anything "
        "differs",
    )  # fmt: skip
    group.add_argument(
        "--write", action="store_true",
        help="with --as-values: write it; exit 0, or 1 when something is left that no value says",
    )  # fmt: skip
    group.add_argument(
        "--open-pr", action="store_true",
        help="with --as-values: write it, render it with the lock (needs kfp), and commit it on a new branch here; "
        "prints the commands that push it and open the pull request. Refused where the work tree is not clean",
    )  # fmt: skip


def may(arguments: Namespace) -> None:
    """Before anything is asked.

    Raises:
        UsageError: options that do not go together, or no repository to edit.
        RefusedError: with --open-pr, the work tree has changes.
    """
    if not arguments.as_values:
        if arguments.write or arguments.open_pr:
            raise UsageError("--write and --open-pr are of --as-values: add it, or leave them out")
        return
    if arguments.approve or arguments.out or arguments.push_gateway or arguments.format != "text":
        raise UsageError(
            "--as-values prints an edit, and no plan: leave --approve, --out, --format and --push-gateway out"
        )
    if arguments.manifests or not (arguments.root / "environments" / arguments.env).is_dir():
        raise UsageError(
            "--as-values edits environments/ENV of a repository: give it with --root, and leave --manifests out"
        )
    if arguments.open_pr:
        drift_branch.may(arguments.root)


@dataclass(frozen=True)
class _Edited:
    """New texts by path, and what they say."""

    texts: Mapping[str, str]
    said: Sequence[str]
    unsayable: Sequence[Unsayable]
    beside: Sequence[str]


def run(arguments: Namespace, desired: Desired, options: Options, actual: Actual) -> int:
    """Find the edit, prove it, show it, and write it where that is asked for."""
    from kfp_gitops.reconcile import wishes

    drifted = wishes.drifted(desired, actual, options)
    arguments.report.drift = len(
        {one.name for one in drifted.wishes} | {one.name for one in drifted.unsayable}
    )
    done = _edited(arguments.root, desired, drifted)
    _prove(arguments.root, desired, actual, options, drifted, done)
    old = {path: files.read_text(arguments.root, path) for path in done.texts}
    for path, text in done.texts.items():
        console.result(_diff(path, old[path], text))
    for note in (*_notes(drifted.wishes), *done.beside, *map(_told, done.unsayable)):
        console.note(note)
    if not drifted.wishes and not drifted.unsayable:
        console.note(f"{arguments.env}: no schedule in KFP differs from Git")
        return ExitCode.OK
    if not done.texts or not (arguments.write or arguments.open_pr):
        return ExitCode.DIFFERENCES
    _write(arguments, done)
    return ExitCode.DIFFERENCES if done.unsayable else ExitCode.OK


def _edited(root: Path, desired: Desired, drifted: Drifted) -> _Edited:
    from kfp_gitops.reconcile import valueedit, valuefind
    from kfp_gitops.rendering.trial import Trial
    from kfp_gitops.sources import environment

    env = environment.load(root, desired.owner.environment)
    edits: list[tuple[str, Edit]] = []
    said: list[str] = []
    unsayable = [*drifted.unsayable]
    beside: list[str] = []
    for name, wishes in groupby(drifted.wishes, lambda wish: wish.pipeline):
        trial = Trial.of(root, env, name) if env.has(name) else None
        _refuse_stale(desired, env, name, trial)
        assert trial is not None  # else it was refused
        found: Found = valuefind.found(trial, [*wishes])
        edits += ((name, edit) for edit in found.edits)
        said += (f"{run} {one.field}: {_shown(one.old)} → {_shown(one.new)}" for run, one in found.said)
        unsayable += found.unsayable
        beside += found.beside
    return _Edited(valueedit.written(root, env, edits), said, unsayable, beside)


def _refuse_stale(desired: Desired, env: Environment, name: str, trial: object) -> None:
    """What KFP is compared with is manifests/, and what is edited are their sources.

    Raises:
        RefusedError: they are not of one state.
    """
    from kfp_gitops.language.manifest import reader
    from kfp_gitops.rendering.trial import Trial

    now = reader.schedules(trial.manifest) if isinstance(trial, Trial) else None
    if now != next(one.schedules for one in desired.pipelines if one.name == name):
        raise RefusedError(
            f"manifests/{env.name}: schedules of {name} are not what its sources render to; run "
            f"`python scripts/render.py --env {env.name} --lock`, then this again"
        )


def _prove(
    root: Path, desired: Desired, actual: Actual, options: Options, drifted: Drifted, done: _Edited
) -> None:
    """Plan with what the new texts render to, before anybody writes them.

    Raises:
        RefusedError: a schedule that they are to settle still differs.
    """
    from kfp_gitops.reconcile import plan
    from kfp_gitops.reconcile.change import Action, Kind

    names = {wish.pipeline for wish in drifted.wishes}
    if not done.texts:
        return
    after = _after(root, desired, names, done.texts)
    planned = plan.plan(after, actual, replace(options, adopt=options.adopt | names))
    settled = {wish.name for wish in drifted.wishes} - {one.name for one in done.unsayable}
    left = [
        change
        for change in planned.changes
        if change.kind is Kind.SCHEDULE
        and change.name in settled
        # What is to be taken over stays as it is.
        and change.action not in (Action.UNCHANGED, Action.ADOPT)
    ]
    if left:
        told = "; ".join(f"{change.name} {change.reason}" for change in left)
        raise RefusedError(f"with the edit a plan would still change schedules: {told}; nothing was written")


def _after(root: Path, desired: Desired, names: set[str], texts: Mapping[str, str]) -> Desired:
    """Desired state as the new texts render to it."""
    from kfp_gitops.language.manifest import reader
    from kfp_gitops.reconcile import timing
    from kfp_gitops.rendering.trial import Trial
    from kfp_gitops.sources import environment

    env = environment.load(root, desired.owner.environment, texts)
    pipelines = [
        replace(
            one,
            schedules=reader.schedules(Trial.of(root, env, one.name).manifest),
            paused_until=one.paused_until if one.paused_by else timing.instant(env.paused.get(one.name)),
        )
        if one.name in names
        else one
        for one in desired.pipelines
    ]
    return replace(desired, pipelines=tuple(pipelines))


def _diff(path: str, old: str, new: str) -> str:
    lines = unified_diff(old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    return "\n".join(lines)


def _notes(wishes: Sequence[Wish]) -> Iterator[str]:
    for wish in wishes:
        if not wish.marked:
            yield (
                f"{wish.name} was made in KFP and is not marked as ours: once this is merged, "
                f"`apply --adopt {wish.pipeline}` takes it over"
            )
        elif any(one.field != "enabled" for one in wish.changes):
            yield (
                f"{wish.name} bears our mark: somebody made it anew with its description, or what Git says was "
                "changed and is not applied yet; then apply, for this takes it back"
            )


def _told(one: Unsayable) -> str:
    return f"{one.name}{f', {one.field}' if one.field else ''}: {one.why}"


def _shown(value: object) -> str:
    from kfp_gitops.base import yamledit

    return "nothing" if value is None else yamledit.flow(value)


def _write(arguments: Namespace, done: _Edited) -> None:
    env = arguments.env
    if arguments.open_pr:
        console.result(drift_branch.committed(arguments.root, env, done.texts, [*done.said, *done.beside]))
        return
    for path, text in done.texts.items():
        files.write_text(arguments.root, path, text)
        console.note(f"{path} is written; run `python scripts/render.py --env {env} --lock`, and commit both")
