"""How an environment may be called: what is made for it, in the cluster and in KFP, is told apart by that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kfp_gitops.base.errors import Problem

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_PREVIEW = re.compile(r"pr-\d+")
DELIVERY = re.compile(
    r"apply|drift|status|lease|triggers?(-lease)?|environment|approved-plan|pipeline-.+|(pipelines|components)(-\d+)?"
)
"""What the names of an environment's objects in the cluster end with, after a `-` (templates/delivery)."""


def fits(name: str) -> bool:
    """Whether it can be the name of one at all."""
    return _NAME.fullmatch(name) is not None


def problems(name: str, known: Sequence[str], path: str) -> Iterator[Problem]:
    """Why one may not be called so: its objects would be another's, in one namespace, or a preview's."""
    if _PREVIEW.fullmatch(name):
        what = (
            f"what is registered for a pull request is of an environment {name}, and taken down by that name"
        )
        yield Problem(path, 1, 1, what, f"rename environments/{name}/")
    for other in known:
        if name.startswith(f"{other}-") and DELIVERY.fullmatch(name.removeprefix(f"{other}-")):
            what = f"kfp-gitops-{name} is the name of an object of the environment {other}, and would be of {name}'s"
            yield Problem(path, 1, 1, what, f"rename environments/{name}/, or environments/{other}/")
