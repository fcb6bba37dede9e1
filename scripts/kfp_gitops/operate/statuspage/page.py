"""The page: one file that asks for nothing, made of the records alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kfp_gitops.base.webpage.parts import filled
from kfp_gitops.base.webpage.shell import page
from kfp_gitops.operate.statuspage import view, week
from kfp_gitops.operate.statuspage.drawn import SIGNS, Shapes
from kfp_gitops.operate.statuspage.records import Board

_HERE = Path(__file__).parent


def to_html(board: Board) -> str:
    """The whole page."""
    start = max((one.seen.week for one in board.environments if one.seen), default=week.begins(board.made))
    shapes = Shapes(start)
    bodies = view.bodies(board, shapes)
    body = filled(
        _HERE,
        "status.html",
        board=board,
        heading=view.heading(board),
        period=view.duration(board.period),
        cards=view.cards(board, start),
        teams=sorted({row.pipeline.team for rows in bodies for row in rows} - {""}),
        bodies=bodies,
        shapes=shapes.ids.items(),
        days=week.days(start),
        start=start,
        promises=any(row.promises for rows in bodies for row in rows),
        signs=[(state.lower(), sign) for state, sign in SIGNS.items() if state != "CANCELING"],
    )
    return page(view.heading(board), body, _text("status.css"), _text("status.js"))


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text("utf-8")
