"""What a subcommand of `python -m predictive_scaling` is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """Name, one line of help, its arguments, what it does, and what `--help` teaches beyond them."""

    name: str
    summary: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    lesson: str = ""
