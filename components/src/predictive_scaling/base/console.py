"""The only place that prints."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write a result to stdout."""
    print(text, flush=True)  # noqa: T201 -- this module is the package's one way to stdout


def complain(text: str) -> None:
    """Write an error or progress to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- see above
