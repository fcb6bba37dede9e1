"""What all ways to begin something have in common: all of it or nothing, a pipeline's name, and what comes next."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base import takeback
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment

PIPELINE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@contextmanager
def whole(root: Path, command: str) -> Iterator[None]:
    """All that is written within, rendered files too, or nothing of it; first what an earlier start left is taken back.

    Raises:
        UsageError: another one is at work here.
    """

    def tell() -> None:
        console.note(f"{command}: that did not come to its end, and nothing of it was left behind")

    if not takeback.is_open():
        _take_back(root)
    with takeback.whole(root, command, tell):
        yield


def add_whose(parser: Parser, unnamed: str) -> None:
    """Where a pipeline begins and whose it is; `unnamed`: who is asked where neither an owner nor a team is given."""
    parser.add_argument(
        "--env", default="dev", metavar="ENV", help="where the pipeline begins (default: dev)"
    )
    parser.add_argument(
        "--owner",
        metavar="WHO",
        help=f"who is asked when the pipeline fails (default: its team, or {unnamed})",
    )
    parser.add_argument(
        "--team", metavar="TEAM", help="whose the pipeline is: its values stand in that team's file"
    )


def add_take_back(parser: Parser) -> None:
    """The option; what it asks for is `take_back`."""
    parser.add_argument(
        "--take-back", action="store_true", help="only take back what a start that was killed left half done"
    )


def take_back(arguments: Namespace) -> int:
    """Take back what a start that was cut off left, and nothing else."""
    if not _take_back(arguments.root):
        console.note("nothing was left half done here")
    return ExitCode.OK


def _take_back(root: Path) -> bool:
    left = takeback.taken_back(root)
    if left is None:
        return False
    console.note(
        f"{left.command or 'a start'} was cut off here; {len(left.back)} files are as they were before it"
    )
    for path in left.changed:
        console.note(f"{path}: somebody changed it since, so it stays as it is; take out what is not wanted")
    return True


def refuse_misnamed(name: str) -> None:
    """A name that no pipeline may have."""
    if not PIPELINE.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a pipeline; write a-z, 0-9 and -, at most 63, such as churn-daily"
        )


def refuse_taken(env: Environment, name: str) -> None:
    """A name that a pipeline of the environment has already, or had."""
    if name in env.pipelines or name in env.absent:
        raise UsageError(
            f"new.py: {env.name} has a pipeline {name!r} already; choose another name, "
            f"or render the one that is there: python scripts/render.py --env {env.name}"
        )


def following_sources(root: Path, name: str) -> Environment:
    """An environment in which a pipeline may begin."""
    env = environment.load(root, name)
    if not env.follows_sources:
        raise UsageError(f"{env.name} follows pinned copies; begin where `follows: sources` is, then promote")
    return env


def render(root: Path, *which: str) -> None:
    """What `render.py` does, with the lock where that can be made."""
    from kfp_gitops.commands import render as command

    command.main(["--root", str(root), *which, *(["--lock"] if find_spec("kfp") else [])])


def say(*steps: str) -> None:
    """What a person does next."""
    console.note("next:" + "".join(f"\n  {step}" for step in steps))
