"""`preview up`: register what a pull request touches, run it, and say what came of it."""

from __future__ import annotations

import tempfile
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import files, visible
from kfp_gitops.base.errors import ExitCode, RefusedError, UsageError
from kfp_gitops.commands import connection, console, pasted
from kfp_gitops.commands.preview import options
from kfp_gitops.commands.preview.render import add_base, add_head

if TYPE_CHECKING:
    from kfp_gitops.commands.preview.comment import Said
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.operate.previews.home import Home
    from kfp_gitops.operate.previews.proposal import Proposal
    from kfp_gitops.operate.previews.registered import Registered
    from kfp_gitops.reconcile.events import Event
    from kfp_gitops.reconcile.folder import Folder
    from kfp_gitops.reconcile.takedown import Gone

_ABOUT = """Register each pipeline that the work tree touches since --base as pr-NUMBER-PIPELINE, with the values of the
environment of previews. For a later push it changes what is there, and takes down what is touched no more."""
_EXAMPLES = """  python scripts/preview.py up --pr 42 --base origin/main --host http://127.0.0.1:8888
  python scripts/preview.py up --pr 42 --base origin/main --run --comment preview.md --host http://127.0.0.1:8888
  python scripts/preview.py up --pr 42 --rendered out --run --host http://127.0.0.1:8888
                                              what `render` wrote elsewhere, read as a stranger's"""
_WAIT = 1800.0
_HOURS = 72.0
_MOST_HOURS = 24.0 * 366


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "up", help="register, or bring up to date, and run", description=_ABOUT, examples=_EXAMPLES
    )
    options.add_number(parser)
    options.add_environment(parser)
    add_base(parser)
    add_head(parser)
    parser.add_argument(
        "--rendered", type=Path, metavar="DIR",
        help="take what `preview.py render` wrote there; of this repository come policy, owner and namespace",
    )  # fmt: skip
    parser.add_argument(
        "--run", action="store_true", dest="runs", help="start one run of each, and wait for them"
    )
    parser.add_argument(
        "--wait", type=connection.seconds, default=_WAIT, metavar="S",
        help=f"how long to wait for the runs (default: {_WAIT:g}); they go on",
    )  # fmt: skip
    parser.add_argument(
        "--hours", type=_hours, default=_HOURS, metavar="H",
        help=f"after so many it may be taken down by gc (default: {_HOURS:g})",
    )  # fmt: skip
    parser.add_argument(
        "--comment",
        type=Path,
        metavar="FILE",
        help="write the Markdown of the comment there (default: stdout)",
    )
    options.add_kfp(parser)
    connection.add_metadata(parser)
    parser.set_defaults(run=run)


def _hours(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= _MOST_HOURS:
        raise ArgumentTypeError(f"{text!r} is no number of hours from 0 to {_MOST_HOURS:g}, such as 72")
    return found


def run(arguments: Namespace) -> int:
    """Exit 4 when KFP took something not, or a run failed or did not end in time."""
    its = options.home(arguments)
    with _rendered(arguments, its) as (folder, proposal):
        return _up(arguments, its, folder, proposal)


@contextmanager
def _rendered(arguments: Namespace, its: Home) -> Iterator[tuple[Path, Proposal]]:
    from kfp_gitops.operate.previews import proposal

    if arguments.rendered is not None:
        found = proposal.read(arguments.rendered.absolute())
        if found.number != arguments.pr:
            raise RefusedError(
                f"--rendered {arguments.rendered} is of --pr {found.number}, and not {arguments.pr}"
            )
        yield arguments.rendered.absolute(), found
        return
    with tempfile.TemporaryDirectory(prefix="kfp-gitops-preview-") as folder:
        out = Path(folder)
        asked = its.environment, arguments.pr, arguments.base, out, arguments.head
        yield out, proposal.made(arguments.root, *asked)


def _up(arguments: Namespace, its: Home, folder: Path, proposal: Proposal) -> int:
    from kfp_gitops.commands.preview import comment, policed
    from kfp_gitops.operate.previews import findings, registered, trial
    from kfp_gitops.operate.results import Results
    from kfp_gitops.reconcile import folder as folders

    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=arguments.hours)
    policed.refuse(arguments.root, folder, its.environment)
    host = arguments.host or its.host
    # Before anything asks the network: a process with threads may not fork.
    wanted = registered.wanted(folder, proposal, its, host, until) if proposal.pipelines else None
    manifests = folders.read(folder / "manifests" / its.environment, its.environment) if wanted else None
    api = options.api(arguments, its)
    said = comment.Said(its, proposal, until, ())
    if wanted is None or manifests is None:
        with options.locked(arguments, api, its, proposal.prefix):
            gone = registered.taken_down(api, its, proposal.number, _gone)
        names = sorted({one.name for one in gone.gone if one.kind == "pipeline"})
        return _told(arguments, replace(said, gone=names), ExitCode.OK)
    with options.locked(arguments, api, its, proposal.prefix):
        done = registered.register(api, wanted, _event, _gone)
        started, not_run = _started(arguments, api, done, manifests)
    watching = findings.watch(api, manifests, proposal.prefix)
    ended = trial.wait(api, watching, started, arguments.wait, console.note)
    results = Results(watching, connection.metadata(arguments, api, its.kfp))
    found = findings.Reader(results, its, proposal.prefix, _say(arguments, its)).of(ended, not_run)
    said = replace(_registered(api, said, done), findings=found, ran=arguments.runs)
    for name in ended.waiting:
        console.note(f"{name}: has not ended after {arguments.wait:g} s; it goes on")
    for one in found:
        if one.command and one.mine:
            name = f"{proposal.prefix}-{one.pipeline}: {one.mine.state}"
            console.note(visible.line(f"{name}: {one.reason or 'nothing tells why'}; {one.command}"))
    bad = [one for one in ended.shown.values() if one.run.state != "SUCCEEDED"]
    return _told(arguments, said, ExitCode.REMOTE_FAILED if said.failed or bad else ExitCode.OK)


def _say(arguments: Namespace, its: Home) -> Callable[[str], str]:
    """Commands on a run: of the previewed environment, for nothing of a preview is in manifests/."""
    host = arguments.host or (its.host if its.apart else None)
    return partial(pasted.anywhere, Namespace(**{**vars(arguments), "host": host}), its.previewed)


def _started(
    arguments: Namespace, api: KfpApi, done: Registered, manifests: Folder
) -> tuple[dict[str, str], dict[str, str]]:
    """The runs, and why others were not run."""
    from kfp_gitops.operate.previews import trial

    failed = {name for name, _ in (*done.outcome.failed, *done.outcome.refused, *done.outcome.postponed)}
    prefix = f"{done.desired.owner.environment}-"
    parameters, not_run = {}, {}
    for pipeline in done.desired.pipelines if arguments.runs else ():
        own = pipeline.name.removeprefix(prefix)
        values, missing = trial.given(manifests.manifests[own])
        if pipeline.name in failed:
            continue
        if missing:
            not_run[pipeline.name] = f"not run: nothing gives a value to {', '.join(missing)}"
        else:
            parameters[pipeline.name] = values
    return trial.start(api, done.desired, parameters, console.note), not_run


def _registered(api: KfpApi, said: Said, done: Registered) -> Said:
    """With what KFP took, and what it did not."""
    prefix = f"{said.proposal.prefix}-"
    failed = [*done.outcome.failed, *done.outcome.refused, *done.outcome.postponed]
    kept = [one.name for one in done.desired.pipelines if one.name not in dict(failed)]
    at = f"{said.home.ui or api.host}/#/pipelines/details"
    return replace(
        said,
        registered=[(name.removeprefix(prefix), f"{at}/{api.pipeline_id(name)}") for name in kept],
        failed=failed,
        gone=[one.name for one in done.narrowed.gone if one.kind == "pipeline"],
    )


def _told(arguments: Namespace, said: Said, code: int) -> int:
    from kfp_gitops.commands.preview import comment

    text = comment.markdown(said)
    path: Path | None = arguments.comment
    if path is None:
        console.result(text.rstrip())
        return code
    try:
        files.write_result(path, text)
    except OSError as error:
        raise UsageError(f"--comment {path}: {error.strerror}; name a file that can be written") from None
    return code


def _event(event: Event) -> None:
    console.note(visible.line(f"{event.action} {event.kind} {event.name}: {event.outcome}"))


def _gone(gone: Gone) -> None:
    console.note(visible.line(f"deleted {gone.kind} {gone.name}"))
