"""`run --list`: the runs of a pipeline, of an environment or of all of them."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from kfp_gitops.base import columns, files
from kfp_gitops.base.errors import ExitCode, GitOpsError, UsageError
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.run import own
from kfp_gitops.commands.run.here import Here
from kfp_gitops.commands.run.options import FIRED

if TYPE_CHECKING:
    from kfp_gitops.operate.runlook.rows import Asked, Listing


def run(arguments: Namespace) -> int:
    """Show them; exit 4 when an environment cannot be asked, beside what the others have."""
    from kfp_gitops.operate.runlook import rows

    arguments = own.named(arguments)
    asked = _asked(arguments, datetime.now(UTC).replace(microsecond=0))
    found, unreachable = _everywhere(arguments, asked) if arguments.everywhere else _here(arguments, asked)
    together = rows.together(found)
    if arguments.json:
        console.result(rows.to_json(together, unreachable))
    elif together.rows or not unreachable:
        text = rows.to_text(
            together, columns.width(), environments=arguments.everywhere, more=_older(arguments)
        )
        console.result(text)
    elif found:
        console.result("no runs where it could be asked")
    for name, why in sorted(unreachable.items()):
        console.note(f"{name}: {why}")
    return ExitCode.REMOTE_FAILED if unreachable else ExitCode.OK


def _older(arguments: Namespace) -> str:
    return "--since 7d" if not arguments.since else "a shorter --since, or --pipeline"


def _asked(arguments: Namespace, now: datetime) -> Asked:
    from kfp_gitops.operate.runlook import times
    from kfp_gitops.operate.runlook.rows import FAILED, MOST, Asked

    glob = arguments.pipeline
    one = bool(glob) and not {*glob} & {*"*?["}
    states = FAILED if arguments.failed else frozenset[str]()
    matches = partial(_matches, glob)
    single = glob if one and not arguments.everywhere else ""
    if arguments.since:
        return Asked(matches, single, states, times.since(arguments.since, now), MOST)
    if one:
        return Asked(matches, single, states, None, FIRED)
    return Asked(matches, "", states, now - timedelta(days=1), MOST)


def _matches(glob: str | None, name: str) -> bool:
    return glob is None or fnmatchcase(name, glob)


def _here(arguments: Namespace, asked: Asked) -> tuple[list[Listing], dict[str, str]]:
    from kfp_gitops.operate.runlook import rows

    here = own.here(arguments)
    _refuse_unknown(here, here.arguments.pipeline)
    return [rows.listing(here.watch, here.owner, asked, here.called)], {}


def _refuse_unknown(here: Here, glob: str | None) -> None:
    """A pipeline that is in no manifest may have had runs, but a name that none has is most often misspelt."""
    from kfp_gitops.operate.runlook import ours

    known = {entry["name"] for entry in here.settings["pipelines"]}
    if glob is None or any(fnmatchcase(name, glob) for name in known):
        return
    known |= {*ours.experiments(here.api, here.owner).values()}
    if not any(fnmatchcase(name, glob) for name in known):
        listed = columns.some(sorted(known), 20) or "none"
        raise UsageError(f"no pipeline {glob!r} in {here.environment}; there are: {listed}")


def _everywhere(arguments: Namespace, asked: Asked) -> tuple[list[Listing], dict[str, str]]:
    """All environments at once: one that does not answer takes its time beside the others."""
    from kfp_gitops.kfpserver.kfpapi.transport import each

    names = files.list_folders(arguments.root, "manifests")
    if not names:
        raise UsageError(f"run.py: {arguments.root}/manifests has no environment; render one")
    hosts = connection.hosts(arguments.hosts, names)
    of_each = [Namespace(**{**vars(arguments), "host": hosts.get(name)}) for name in names]
    found = each(lambda pair: _one(pair[0], pair[1], asked), zip(of_each, names, strict=True))
    answers = dict(zip(names, found, strict=True))
    reached = [answer for answer in answers.values() if not isinstance(answer, str)]
    return reached, {name: answer for name, answer in answers.items() if isinstance(answer, str)}


def _one(arguments: Namespace, name: str, asked: Asked) -> Listing | str:
    """Or why it cannot be asked."""
    from kfp_gitops.operate.runlook import rows

    here = Here(arguments, name)
    try:
        return rows.listing(here.watch, here.owner, asked, here.called)
    except GitOpsError as error:
        return str(error)
