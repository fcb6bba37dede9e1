"""Texts of a manifest that KFP's database cannot keep (`kfp_gitops.charset`)."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops import charset
from kfp_gitops.check.context import Context
from kfp_gitops.errors import Problem


def problems(context: Context) -> Iterator[Problem]:
    """Each of them; only who owns the pipeline is for people alone, and never sent."""
    for key, value in context.document.value.items():
        part = {k: v for k, v in value.items() if k != "owner"} if key == "metadata" else value
        yield from charset.problems(context.document, part, (key,))
