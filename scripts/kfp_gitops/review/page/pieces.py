"""A page's pieces and the room for them: what matters most comes in first, and what is left out is named. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from markupsafe import Markup

_MISSES = 8
"""So many pieces of a rank that do not fit, and the rest of that rank is not even made: there may be thousands."""


class Rank(IntEnum):
    """What a reviewer would miss most, first."""

    HEAD = 0
    SUM = 1
    CHANGES = 2
    BETWEEN = 3
    WEEK = 4
    PICTURE = 5
    CODE = 6


_WORDS = {
    Rank.HEAD: "warnings and problems",
    Rank.SUM: "settings, delivery and what pipelines share",
    Rank.CHANGES: "all of the changes",
    Rank.BETWEEN: "what starts what between pipelines",
    Rank.PICTURE: "the pictures",
    Rank.CODE: "the code",
    Rank.WEEK: "the week of schedules",
}


@dataclass(frozen=True)
class Piece:
    """A part of the page that may be left out; made when it is known that there may be room.

    `place` is where it goes: environment, section (-1: of the environment itself). `about`: pipeline or environment.
    `brief` makes the first lines of it, for where there is no room for all.
    """

    rank: Rank
    place: tuple[int, int]
    about: str
    environment: str
    make: Callable[[], Markup]
    brief: Callable[[], Markup] | None = None


@dataclass(frozen=True)
class Fitted:
    """The pieces that are in the page by rank and place, and those that are not."""

    kept: Mapping[tuple[Rank, tuple[int, int]], Markup]
    left_out: Sequence[Piece]
    cut: Sequence[Piece] = ()
    """Those of which the first lines are in the page."""

    def get(self, rank: Rank, at: tuple[int, int]) -> Markup:
        """A piece, or nothing."""
        return self.kept.get((rank, at), Markup(""))


def fitted(pieces: Sequence[Piece], room: int) -> Fitted:
    """As many as fit so many bytes, the higher ranks first; what has nothing to say is not left out."""
    kept: dict[tuple[Rank, tuple[int, int]], Markup] = {}
    left_out: list[Piece] = []
    cut: list[Piece] = []
    misses: dict[Rank, int] = defaultdict(int)
    for piece in sorted(pieces, key=lambda piece: piece.rank):
        if misses[piece.rank] >= _MISSES or not _has_place(piece, kept):
            left_out.append(piece)
            continue
        made, whole = _made(piece, room)
        if made is None:
            misses[piece.rank] += 1
            left_out.append(piece)
            continue
        cut += [] if whole else [piece]
        kept[piece.rank, piece.place] = made
        room -= len(made.encode())
    return Fitted(kept, left_out, cut)


def _made(piece: Piece, room: int) -> tuple[Markup | None, bool]:
    """As much of it as there is room for, and whether that is the whole."""
    for make in (piece.make, piece.brief):
        made = make() if make else None
        if made is not None and len(made.encode()) <= room:
            return made, make is piece.make
    return None, False


def _has_place(piece: Piece, kept: Mapping[tuple[Rank, tuple[int, int]], Markup]) -> bool:
    """Pictures and code stand beneath the changes of their pipeline, and not without them."""
    beneath = piece.rank in (Rank.PICTURE, Rank.CODE)
    return not beneath or (Rank.CHANGES, piece.place) in kept


@dataclass(frozen=True)
class Missing:
    """What is not in the page, of an environment; `names`: of which pipelines, or of the environment itself."""

    what: str
    environment: str
    names: Sequence[str]


def missing(found: Fitted) -> Iterator[Missing]:
    """Of each environment and rank one record."""
    groups: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for piece in found.left_out:
        groups[piece.environment, _WORDS[piece.rank]][piece.about] = None
    for piece in found.cut:
        groups[piece.environment, f"{_WORDS[piece.rank]} but the first rows"][piece.about] = None
    for (environment, what), names in groups.items():
        yield Missing(what, environment, [*names])
