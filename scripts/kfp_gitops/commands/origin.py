"""Where what is reviewed comes from: what `render --check` and `diff` refuse alike."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.commands import listing
from kfp_gitops.review import forge
from kfp_gitops.review.promotion import provenance
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment


def refuse(root: Path, environments: Iterable[Environment]) -> None:
    """Says which promotions Git cannot bear out.

    Raises:
        InputError: it speaks against one, or something is not what a review shows of it.
    """
    raise_if_any(problems(root, environments))


def problems(root: Path, environments: Iterable[Environment]) -> list[Problem]:
    """What Git speaks against, and what is not what a review shows of it; what Git cannot bear out is said."""
    found = provenance.verify(root, environments)
    listing.warnings(found.warnings, option="")
    return [*found.problems, *forge.problems(root)]


def readable(root: Path, names: Container[str]) -> Iterator[Environment]:
    """Those of the named environments whose inputs can be read; of the others it is rendering that tells."""
    for name in environment.names(root):
        if name in names:
            with suppress(InputError):
                yield environment.load(root, name)
