"""What all ways to begin a pipeline have in common: its name, and what comes next."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment

PIPELINE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def refuse_misnamed(name: str) -> None:
    """A name that no pipeline may have."""
    if not PIPELINE.fullmatch(name):
        raise UsageError(
            f"new.py: {name!r} cannot name a pipeline; write a-z, 0-9 and -, at most 63, such as churn-daily"
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
        raise UsageError(
            f"new.py: {env.name} follows pinned copies; begin where `follows: sources` is, then promote"
        )
    return env


def render(root: Path, *which: str) -> None:
    """What `render.py` does, with the lock where that can be made."""
    from kfp_gitops.commands import render as command

    command.main(["--root", str(root), *which, *(["--lock"] if find_spec("kfp") else [])])


def say(*steps: str) -> None:
    """What a person does next."""
    console.note("next:" + "".join(f"\n  {step}" for step in steps))
