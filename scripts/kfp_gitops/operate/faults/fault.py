"""One fault of a server or of an environment as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong, why we think so, and what mends it.

    `command` is a line that a person types; one of this project's scripts stands in it by its name alone, such as
    `reconcile.py apply`, for whoever shows it knows the interpreter, the environment and the address.
    """

    name: str
    cause: str
    command: str
