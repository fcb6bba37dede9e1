"""The board in a few words: a line for each environment."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base import columns
from kfp_gitops.operate.statuspage import view
from kfp_gitops.operate.statuspage.records import Board, Environment


def lines(board: Board) -> list[str]:
    """One for each environment."""
    return [f"{one.name}: {', '.join(_parts(one))}" for one in board.environments]


def needs(board: Board) -> bool:
    """Whether anything needs somebody; what could not be looked at does."""
    return any(one.unseen or one.seen is None or any(view.needing(one.seen)) for one in board.environments)


def _parts(one: Environment) -> Iterator[str]:
    if one.unseen:
        yield f"not reached since {one.unseen.since:%Y-%m-%d %H:%M} UTC"
    if one.seen is None:
        yield "never seen"
        return
    if one.unseen:
        yield f"as it was {one.seen.at:%Y-%m-%d %H:%M} UTC"
    yield columns.counted(len(one.seen.pipelines), "pipeline")
    yield from (tag.text for tag in view.tags_of(one) if tag.text != view.NOT_REACHED)
