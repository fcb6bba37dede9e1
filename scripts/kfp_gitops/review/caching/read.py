"""A side of the comparison as steps: from its manifest, or from the IR that it brings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.language.manifest import CycleError
from kfp_gitops.review.caching import from_ir, from_manifest
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.steps import KFP_2_17, Server, Step


class UnreadableError(Exception):
    """A side that cannot be told of: a work tree may hold anything."""


def steps(side: Side, given: Mapping[str, Any], server: Server = KFP_2_17) -> list[Step]:
    """The steps of a run with these parameters.

    Raises:
        UnreadableError: a file of it is not what it should be, which is for others to tell.
    """
    try:
        return _steps(side, given, server)
    except (
        CycleError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        IndexError,
        StopIteration,
        RecursionError,
    ) as error:
        raise UnreadableError(type(error).__name__) from error


def _steps(side: Side, given: Mapping[str, Any], server: Server) -> list[Step]:
    spec = side.manifest.get("spec")
    if not isinstance(spec, Mapping):
        return []
    if "ir" in spec:
        declared = spec.get("parameters") or {}
        defaults = {name: one["default"] for name, one in declared.items() if "default" in one}
        return from_ir.steps(side.irs[str(spec["ir"])], {**defaults, **given}, server)
    return from_manifest.steps(side, given, server)
