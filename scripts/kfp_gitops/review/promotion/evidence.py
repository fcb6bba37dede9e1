"""What releases measured in the environment before, for a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from kfp_gitops.language.gates import Verdict
from kfp_gitops.review.promotion.proof import Proof

_MOST = 50
"""Rows; a pull request's text has a bound, and the diff takes most of it."""


def to_markdown(found: Sequence[Proof], environment: str, link: Callable[[str], str]) -> str:
    """A table of the runs that prove releases, and of what gates found; "" where there is nothing to tell."""
    rows = [row for proof in found for row in _rows(proof, link)]
    if not rows:
        return ""
    more = [f"\n… and {len(rows) - _MOST} more"] if len(rows) > _MOST else []
    head = [
        f"### What ran in {environment}", "",
        "| pipeline | required | newest runs |", "|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *rows[:_MOST], *more, ""])


def _rows(proof: Proof, link: Callable[[str], str]) -> Iterator[str]:
    name = _code(proof.pipeline)
    if not proof.gates and proof.run:
        yield f"| {name} | a succeeded run | [{proof.run[:8]}]({link(proof.run)}) |"
    for verdict in proof.gates:
        yield f"| {name} | {_code(str(verdict.gate))} | {_figures(verdict, link)} |"


def _figures(verdict: Verdict, link: Callable[[str], str]) -> str:
    shown = [f"[{' '.join(f'{value:.6g}' for value in one.values)}]({link(one.run)})" for one in verdict.runs]
    return ", ".join(shown) or "nothing"


def _code(text: str) -> str:
    plain = " ".join(re.split(r"[`|\s]+", text))
    return f"`{plain}`"
