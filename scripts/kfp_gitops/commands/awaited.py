"""`promote --status`: what waits for which environment, and with --verify how it did in the one before."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.pasted import pasted
from kfp_gitops.review.promotion.matrix import matrix
from kfp_gitops.review.promotion.matrix_json import to_json
from kfp_gitops.review.promotion.matrix_text import to_text
from kfp_gitops.review.promotion.status import Pending, status
from kfp_gitops.sources import environment
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.review.promotion.proof import Proof


def _refuse_to_do(arguments: Namespace) -> None:
    if arguments.open_pr or arguments.uncommitted:
        raise UsageError("--status changes nothing, so --open-pr and --uncommitted mean nothing with it")


def whole(arguments: Namespace) -> int:
    """The whole way; what is asked for of one step is `_status`."""
    _refuse_to_do(arguments)
    if arguments.verify:
        raise UsageError(
            "--status --verify asks the server of one environment: say to which one, with --to ENV"
        )
    if arguments.source is not None:
        raise UsageError("--from without --to: name both, or neither for the whole way")
    found = matrix(arguments.root, datetime.now(UTC), Selection.of(arguments))
    console.result(to_json(found) if arguments.json else to_text(found, everything=arguments.all))
    return ExitCode.DIFFERENCES if found.waits else ExitCode.OK


def of_one(arguments: Namespace) -> int:
    _refuse_to_do(arguments)
    if arguments.json:
        raise UsageError("--json is of the whole way: leave --to out")
    part = Selection.of(arguments)
    both = [environment.load(arguments.root, name) for name in (arguments.source, arguments.target)]
    found = status(arguments.root, arguments.source, arguments.target)
    chosen = [
        item for item in found if any(part.matches(item.pipeline, env.team_of(item.pipeline)) for env in both)
    ]
    shown = [item for item in chosen if arguments.all or not item.is_the_same]
    proofs = _proofs(arguments, [item for item in shown if item.pending]) if arguments.verify else _NONE
    few = len(shown) + 1 if arguments.all else _FEW
    say = partial(pasted, arguments, arguments.source)
    for line in _together(shown, arguments.source, arguments.target, few, proofs, say):
        console.result("\n".join(columns.folded(line, columns.width(), 4)))
    same = sum(item.is_the_same for item in chosen)
    waits = sum(item.pending for item in chosen)
    console.result(f"{arguments.target}: {waits:,} wait, {same:,} the same as in {arguments.source}")
    return ExitCode.DIFFERENCES if any(item.pending for item in chosen) else ExitCode.OK


_NAME = "‹name›"
_FEW, _NAMED = 3, 5


_NONE: Mapping[str, Proof] = MappingProxyType({})


def _proofs(arguments: Namespace, waiting: Sequence[Pending]) -> Mapping[str, Proof]:
    from kfp_gitops.commands.verifying import Before

    return {proof.pipeline: proof for proof in Before(arguments).proofs(waiting)}


def _together(
    items: Sequence[Pending],
    source: str,
    target: str,
    few: int,
    proofs: Mapping[str, Proof],
    say: Callable[[str], str],
) -> Iterator[str]:
    """What is told of each pipeline; the very same of so many or more once, with some of their names."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for item in items:
        lines = (
            *_status_lines(replace(item, pipeline=_NAME), source, target),
            *(_proof_lines(item, proofs.get(item.pipeline), source, say) if item.pending else ()),
        )
        groups.setdefault(lines, []).append(item.pipeline)
    for lines, names in groups.items():
        if len(names) < few:
            yield from (line.replace(_NAME, name) for name in names for line in lines)
            continue
        more = f" and {len(names) - _NAMED:,} more (--all)" if len(names) > _NAMED else ""
        yield lines[0].replace(_NAME, ", ".join(names[:_NAMED]) + more, 1).replace(_NAME, "NAME")
        yield from lines[1:]


def _status_lines(item: Pending, source: str, target: str) -> Iterator[str]:
    if not item.wanted:
        yield (
            f"{item.pipeline}: only in {source}; to bring it to {target}, add its values to "
            f"environments/{target}/values.yaml and promote with --pipeline {item.pipeline}"
        )
    elif item.after is None:
        yield f"{item.pipeline}: only in {target}; {source} does not have it"
    elif item.is_the_same:
        yield f"{item.pipeline}: the same, {item.after[-64:][:12]}…"
    else:
        yield f"{item.pipeline}: {source} has {_short(item.after)}, {target} has {_short(item.before)}"
        yield from (f"  {text}" for text in item.differs)
        yield from (f"  {commit}" for commit in item.commits)


def _proof_lines(item: Pending, proof: Proof | None, source: str, say: Callable[[str], str]) -> Iterator[str]:
    """What the release must have measured, and what it did where that was asked for."""
    if proof is None:
        yield from (f"  requires {gate}" for gate in item.requires)
        return
    yield f"  a run of it succeeded in {source}" if proof.run else f"  no run of it succeeded in {source} yet"
    if not proof.run:
        yield from (f"  {reason}" for reason in proof.reasons(source, say))
        yield from (f"  requires {gate}" for gate in item.requires)
    for verdict in proof.gates:
        yield f"  requires {verdict.gate}: {verdict.figures}, {verdict.why or 'met'}"


def _short(digest: str | None) -> str:
    return f"{digest[-64:][:12]}…" if digest else "nothing"
