"""Texts of a manifest that KFP's database cannot keep (`kfp_gitops.base.charset`)."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base import charset
from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check.context import Context


def problems(context: Context) -> Iterator[Problem]:
    """Each of them; only who owns the pipeline is for people alone, and never sent."""
    for key, value in context.document.value.items():
        part = {k: v for k, v in value.items() if k != "owner"} if key == "metadata" else value
        yield from charset.problems(context.document, part, (key,))
