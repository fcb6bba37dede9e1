"""`run`: start a registered pipeline once, or run it on this machine; list, show, stop and repeat runs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from kfp_gitops.base.errors import NotFoundError, UsageError
from kfp_gitops.commands.common import parse
from kfp_gitops.commands.run import options, own
from kfp_gitops.commands.run.here import Here


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is asked; exit 4 when a run that was waited for or shown did not succeed."""
    arguments = parse(options.parser(), argv)
    options.checked(arguments)
    if arguments.list:
        from kfp_gitops.commands.run import listing

        return listing.run(arguments)
    if arguments.compare is not None:
        from kfp_gitops.commands.run import comparing

        return comparing.run(arguments)
    here = own.here(arguments)
    if arguments.local:
        return _local(here)
    try:
        return _one(here, here.arguments)
    except NotFoundError as error:
        raise _unknown(here, error) from error


def _unknown(here: Here, error: NotFoundError) -> Exception:
    """A mistyped run's id is bad input, and no failure of KFP (which answers `Run x not found`)."""
    arguments = here.arguments
    ids = [arguments.status, (arguments.logs or [""])[0], arguments.terminate, arguments.rerun]
    named = next((one for one in ids if one), "")
    if not named or f"Run {named} not found" not in str(error):
        return error
    return UsageError(
        f"{here.host} has no run {named}; this names those of the last day:\n  {here.said('run.py --list')}"
    )


def _one(here: Here, arguments: Namespace) -> int:
    """What is of one environment's server."""
    from kfp_gitops.commands.run import backfilling, looking, starting, stopping

    if arguments.status:
        return looking.status(here, arguments.status)
    if arguments.logs:
        return looking.logs(here, *arguments.logs)
    if arguments.terminate is not None:
        return stopping.run(here)
    if arguments.backfill:
        return backfilling.run(here)
    if isinstance(here, own.Own) and not arguments.rerun:
        starting.checked(here)
        if code := here.registered():
            return code
    return starting.run(here)


def _local(here: Here) -> int:
    from kfp_gitops.commands import locally

    arguments = here.arguments
    locally.refuse_together(arguments)
    if arguments.watch:
        from kfp_gitops.commands.run import watching

        return watching.run(arguments)
    locally.compile_edited(arguments)
    manifest, pipeline = here.manifest(arguments.pipeline), arguments.pipeline
    return locally.run(arguments, manifest, here.folder.inner(pipeline), here.folder.rendered[pipeline])
