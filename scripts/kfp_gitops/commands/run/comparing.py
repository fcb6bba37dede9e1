"""`run --compare`: two runs side by side, of this machine or of a server."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base.errors import ExitCode, GitOpsError, NotFoundError, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.run.here import Here
from kfp_gitops.kfpserver.metadata import RunResults
from kfp_gitops.operate.comparing import compared, of_here, of_server, told
from kfp_gitops.operate.comparing.sides import Side
from kfp_gitops.operate.following import Shown


def run(arguments: Namespace) -> int:
    """Show it; a difference is no error."""
    runs = arguments.compare or _newest(arguments)
    found = compared.compare(*(_side(arguments, text) for text in runs))
    console.result(told.to_json(found) if arguments.json else told.to_text(found))
    return ExitCode.OK


def _newest(arguments: Namespace) -> Sequence[str]:
    """The newest run here, and the one of the same pipeline before it; the older one is the first."""
    found = of_here.newest(arguments.root, arguments.pipeline)
    same = [path for path in found if of_here.pipeline_of(path) == of_here.pipeline_of(found[0])]
    if len(same) < 2:
        which = f" of {arguments.pipeline}" if arguments.pipeline else " of one pipeline"
        raise UsageError(
            f"run.py: --compare: {arguments.root / of_here.FOLDER} has not two runs{which}; make one with "
            "`run.py --env dev --pipeline P --local`, or name two"
        )
    return [str(path) for path in (same[1], same[0])]


def _side(arguments: Namespace, text: str) -> Side:
    for folder in (Path(text), arguments.root / of_here.FOLDER / text):
        if text and of_here.is_run(folder):
            return of_here.side(folder.absolute())
    if not text or "/" in text or Path(text).exists():
        raise UsageError(f"run.py: --compare: {text!r} is no folder of a local run (.local-runs/P-TIME)")
    if arguments.env is None:
        raise UsageError(
            f"run.py: --compare: there is no local run {text!r}; if it is a run of a server, say which: --env ENV"
        )
    return _of_server(Here(arguments, arguments.env), text)


def _of_server(here: Here, run_id: str) -> Side:
    try:
        shown = here.watch.settled(here.watch.look(run_id))
    except NotFoundError as error:
        raise UsageError(
            f"run.py: --compare: neither this machine nor {here.host} has a run {run_id}; these are there:\n"
            f"  {here.said('run.py --list')}\n  ls {of_here.FOLDER}"
        ) from error
    return of_server.side(shown, here.api.run_link(run_id), _given(here, shown))


def _given(here: Here, shown: Shown) -> RunResults | str:
    """What its tasks gave; why nobody knows, where nobody does: the rest can be compared."""
    try:
        return here.results.of(shown)
    except GitOpsError as error:
        return str(error)
