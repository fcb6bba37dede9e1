"""`import --host H`: pipelines and recurring runs of a running server as files of this repository."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, RefusedError, UsageError
from kfp_gitops.commands import begun, connection, console
from kfp_gitops.commands.common import Parser
from kfp_gitops.commands.importing import compiled, placed, shelf, trial
from kfp_gitops.commands.importing.shelf import Shelf
from kfp_gitops.importing import fromserver
from kfp_gitops.importing.fromserver import Brought, Place
from kfp_gitops.importing.recurring import Left
from kfp_gitops.importing.written import written
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATES

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi

_OWN = ("pipeline", "schedules", "namespace", "pipeline_version", "pin")
_EVERY = 5.0
"""Seconds between two lines of progress."""


@dataclass
class _Haul:
    """What is imported and what is left; grows pipeline by pipeline."""

    brought: dict[str, Brought] = field(default_factory=dict)
    """By the pipeline's name here."""
    left: list[Left] = field(default_factory=list)


def add(parser: Parser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("from a server")
    group.add_argument(
        "--pipeline", action="append", default=[], metavar="GLOB",
        help="only those of this name in KFP; may be given more than once (default: all that nobody marked)",
    )  # fmt: skip
    group.add_argument("--schedules", action="store_true", help="with their recurring runs")
    group.add_argument(
        "--namespace", metavar="NS", help="the user namespace (default: as the environment's kfp.namespace)"
    )
    group.add_argument(
        "--pipeline-version", metavar="NAME", help="of one pipeline this version, not the newest"
    )
    group.add_argument(
        "--pin", action="store_true",
        help="also recurring runs that follow the newest version or pin another one; they are to be made anew",
    )  # fmt: skip
    connection.add(parser, "import from the KFP API at this address")


def refuse_misfit(arguments: Namespace) -> None:
    """Options that mean nothing beside the others.

    Raises:
        UsageError: what does not go together.
    """
    given = [f"--{name.replace('_', '-')}" for name in _OWN if getattr(arguments, name)]
    if given and not arguments.host:
        raise UsageError(f"import.py: {', '.join(given)} goes with --host")
    if not arguments.host:
        return
    if arguments.file or arguments.into:
        raise UsageError(f"import.py --host takes no {'FILE' if arguments.file else '--into'}")
    if (arguments.name or arguments.pipeline_version) and len(arguments.pipeline) != 1:
        name = "name" if arguments.name else "pipeline-version"
        raise UsageError(f"import.py: --{name} is of one pipeline: give that one with --pipeline")


def import_host(arguments: Namespace) -> int:
    """Read, prove, write and render; exit 1 when something was left behind."""
    env = begun.following_sources(arguments.root, arguments.env)
    found = shelf.read(_api(arguments, env), arguments, env)
    haul = _haul(arguments, env, found)
    if haul.brought and not arguments.check:
        made = written(
            arguments.root,
            env.name,
            {name: one.found for name, one in haul.brought.items()},
            {name: {"adopts": one.adopts} for name, one in haul.brought.items()},
            home=placed.home(arguments),
        )
        placed.place(arguments.root, env.name, made)
    for line in _lines(found, haul, "can be imported" if arguments.check else "imported"):
        console.result(line)
    for one in haul.left:
        console.note(f"left: {one}")
    if haul.brought and not arguments.check:
        _say(arguments, haul)
    return ExitCode.DIFFERENCES if haul.left else ExitCode.OK


def _api(arguments: Namespace, env: Environment) -> KfpApi:
    from kfp_gitops.kfpserver.kfpapi.features import wrong_namespace
    from kfp_gitops.reconcile.hosts import checked_host

    own = env.kfp["namespace"]
    namespace = own if arguments.namespace is None else arguments.namespace
    if namespace != own:
        console.note(
            f"{env.name} is of the user namespace {own!r}, and this is read from {namespace!r}: what is imported is "
            "made anew there, and nothing is taken over"
        )
    api = connection.api(arguments, checked_host(arguments.host), namespace)
    if fault := wrong_namespace(api.features(), api.namespace):
        raise RefusedError(f"{api.host} is {fault[0]}; say --namespace NS ('' on a single-user KFP)")
    return api


def _haul(arguments: Namespace, env: Environment, found: Shelf) -> _Haul:
    """One pipeline after the other: a component of one is there for the next."""
    haul = _Haul(left=list(found.left))
    present, told = compiled.present(arguments.root), time.monotonic()
    place = Place(env, _templates(arguments), present, arguments.owner, arguments.name)
    terms = shelf.terms(arguments, env)
    for number, one in enumerate(found.pipelines, 1):
        brought, left = fromserver.brought(one, place, frozenset(haul.brought), terms)
        haul.left += left
        if brought:
            present |= brought.found.specs
            haul.brought[brought.found.name] = brought
        if console.is_watched() or time.monotonic() - told > _EVERY:
            told = time.monotonic()
            tell = console.counter if console.is_watched() else console.note
            tell(f"{number} of {len(found.pipelines)} pipelines are read and proved")
    return haul


def _templates(arguments: Namespace) -> frozenset[str]:
    folder = arguments.root / TEMPLATES
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()


def _lines(found: Shelf, haul: _Haul, what: str) -> Iterator[str]:
    if found.known:
        names = columns.some(found.known, 10)
        yield f"{columns.counted(len(found.known), 'pipeline')} imported before: {names}"
    for name, one in haul.brought.items():
        yield f"{name}: {one.told}"
        for its in one.recurring:
            where = found.experiments.get(its.found.experiment_id, "")
            of = f"; it stays in experiment {where!r} until Git changes it" if where else ""
            yield f"  schedule {its.name}: {its.found.name!r}{of}"
    schedules = sum(len(one.recurring) for one in haul.brought.values())
    counts = (
        f"{columns.counted(len(haul.brought), 'pipeline')} and {columns.counted(schedules, 'recurring run')}"
    )
    yield f"{counts} {what}, {len(haul.left)} left"


def _say(arguments: Namespace, haul: _Haul) -> None:
    anew = [name for name, one in haul.brought.items() if one.anew]
    if anew:
        console.note(
            f"of {columns.some(anew, 10)} something would be made anew; `plan` says what, and takes none of it over "
            f"without --adopt {anew[0]} …"
        )
    begun.say(
        *trial.after(arguments.env, ()),
        f"python scripts/reconcile.py plan --env {arguments.env} --host {arguments.host}",
    )
