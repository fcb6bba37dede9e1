"""Usage that an earlier run fetched, kept in the registry: a piece a day, by content, and what names them.

usage/<sha256>.csv.gz   rows of a day (UTC) as Prometheus gave them, by content
usage/kept.json         what was asked, until when it is kept, and the pieces; written last, so that a run that is
                        killed leaves what was kept before whole

A bucket is written by more than this library. So a piece is read only when it is what its digest says, has the form and
the instants that this library writes, and is no larger; whether it is what Prometheus says now, `extending` asks.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import pandas as pd

from predictive_scaling.base.documents import Document, parse_object, pretty_bytes, sha256
from predictive_scaling.base.errors import InputError, MissingObjectError, RegistryError
from predictive_scaling.base.series import IntArray
from predictive_scaling.store.registry import Registry
from predictive_scaling.store.retention import KEPT, USAGE
from predictive_scaling.usage.assembly import KEYS
from predictive_scaling.usage.prometheus import Span
from predictive_scaling.usage.tables import ISO_FORMAT, parsed

SCHEMA = "predictive-scaling-usage/v1"
DAY = 86_400
MAX_PIECES = 94  # what may be asked for at most, and a day begun at either end
MAX_TEXT = 128 * 2**20  # of a piece, unpacked
MAX_BYTES = 32 * 2**20  # of a piece, packed
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FOREIGN = (InputError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class NotKeptError(InputError):
    """Kept usage cannot be used; the message says why."""


@dataclass(frozen=True)
class Piece:
    """A day's rows: the Unix second at which the day begins, and the digest of what is kept of it."""

    start: int
    digest: str

    @property
    def key(self) -> str:
        """Where it is in the registry."""
        return f"{USAGE}/{self.digest}.csv.gz"


@dataclass(frozen=True)
class KeptUsage:
    """What is kept: `asked` is the digest of what was asked for, from Unix second `since` up to and without `until`.

    `seen` says how many series there were at whole hours, and at the day `turn` the next look at what is kept begins.
    """

    asked: str
    since: int
    until: int
    seen: Mapping[int, float]
    pieces: tuple[Piece, ...]
    turn: int = 0

    def to_json(self) -> Document:
        """As it stands in the registry."""
        return {
            "schema": SCHEMA,
            "asked": self.asked,
            "since": self.since,
            "until": self.until,
            "seen": [[at, self.seen[at]] for at in sorted(self.seen)],
            "pieces": [{"start": each.start, "sha256": each.digest} for each in self.pieces],
            "turn": self.turn,
        }


def read(registry: Registry) -> KeptUsage:
    """What is kept; raises NotKeptError where nothing is, or nothing of ours."""
    try:
        data = registry.get(KEPT)
    except MissingObjectError as error:
        raise NotKeptError("nothing was kept yet") from error
    except RegistryError as error:
        raise NotKeptError(str(error)) from error
    try:
        found = _from_json(parse_object(data, KEPT))
    except _FOREIGN as error:
        raise NotKeptError(f"{KEPT} cannot be read ({type(error).__name__})") from error
    if fault := _fault(found):
        raise NotKeptError(f"{KEPT} is not to be trusted: {fault}")
    return found


def _from_json(document: Document) -> KeptUsage:
    if document["schema"] != SCHEMA:
        raise ValueError("another schema")
    return KeptUsage(
        str(document["asked"]),
        int(document["since"]),
        int(document["until"]),
        {int(at): float(value) for at, value in document["seen"]},
        tuple(Piece(int(each["start"]), str(each["sha256"])) for each in document["pieces"]),
        int(document["turn"]),
    )


def _fault(found: KeptUsage) -> str:
    starts = [each.start for each in found.pieces]
    if not starts or len(starts) > MAX_PIECES:
        return f"it has {len(starts)} pieces"
    if any(second - first != DAY for first, second in pairwise(starts)) or starts[0] % DAY:
        return "its pieces are not day after day"
    if not starts[0] < found.until <= starts[-1] + DAY or found.since > found.until:
        return "its pieces are of other days than it says"
    if not all(_DIGEST.fullmatch(each.digest) for each in found.pieces):
        return "its pieces have no digests"
    return ""


def rows_of(registry: Registry, kept: KeptUsage, columns: Sequence[str], span: Span) -> pd.DataFrame:
    """Rows of a span, those of each piece checked. Raises NotKeptError."""
    wanted = [each for each in kept.pieces if each.start < span.end and span.start < each.start + DAY]
    try:
        tables = [_piece(registry, each, columns, span.step, kept.until) for each in wanted]
    except RegistryError as error:
        raise NotKeptError(str(error)) from error
    except (*_FOREIGN, OSError, EOFError) as error:
        why = str(error) if isinstance(error, InputError) else type(error).__name__
        raise NotKeptError(f"a piece of what was kept cannot be read: {why}") from error
    return within(pd.concat(tables, ignore_index=True), span) if tables else nothing(columns)


def _piece(registry: Registry, piece: Piece, columns: Sequence[str], step: int, until: int) -> pd.DataFrame:
    data = registry.get(piece.key)
    if sha256(data) != piece.digest:
        raise InputError("it is not what was kept under its name")
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        text = file.read(MAX_TEXT + 1)
    if len(text) > MAX_TEXT:
        raise InputError(f"it is larger than {MAX_TEXT >> 20} MiB unpacked")
    names = [*KEYS, *columns]
    found = parsed(io.BytesIO(text), names).fillna({"kind": "", "container": ""})
    if fault := _odd(found, names, Span(piece.start, min(piece.start + DAY, until), step)):
        raise InputError(fault)
    return found.astype(dict.fromkeys(columns, "float64"))


def _odd(found: pd.DataFrame, names: Sequence[str], span: Span) -> str:
    """What is not as this library writes it; empty when all is."""
    if list(found.columns) != list(names):
        return "it has other columns"
    if found["service"].isna().any() or found.duplicated(KEYS).any():
        return "it has rows without a service, or a row twice"
    at = seconds_of(found["timestamp"])
    if not ((at >= span.start) & (at < span.end) & (at % span.step == 0)).all():
        return "it has rows of other instants"
    return ""


def seconds_of(instants: pd.Series[str]) -> IntArray:
    """Unix seconds; raises ValueError for what is no instant as this library writes it."""
    at = pd.to_datetime(instants, format=ISO_FORMAT, utc=True).dt.as_unit("s")
    return cast("IntArray", at.astype("int64").to_numpy())


def within(rows: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Those of a span's instants."""
    at = seconds_of(rows["timestamp"])
    return rows[(at >= span.start) & (at < span.end)].reset_index(drop=True)


def nothing(columns: Sequence[str]) -> pd.DataFrame:
    """A table without rows."""
    texts = {name: pd.Series(dtype="str") for name in KEYS}
    return pd.DataFrame(texts | {name: pd.Series(dtype="float64") for name in columns})


def packed(rows: pd.DataFrame) -> bytes:
    """A piece as it is kept; equal rows give equal bytes. Raises InputError when it is too large to be read again."""
    text = rows.sort_values(KEYS).to_csv(index=False, lineterminator="\n").encode()
    data = gzip.compress(text, compresslevel=6, mtime=0)
    if len(text) > MAX_TEXT or len(data) > MAX_BYTES:
        raise InputError(f"a day of it is more than {MAX_TEXT >> 20} MiB, or {MAX_BYTES >> 20} MiB packed")
    return data


def keep(registry: Registry, rows: pd.DataFrame, columns: Sequence[str], new: KeptUsage) -> None:
    """Write the pieces of the days that `new` lacks up to its end, then what names them all.

    `rows` are at least those of these days. Raises RegistryError; InputError for a day that is too large.
    """
    at = seconds_of(rows["timestamp"])
    first = new.pieces[-1].start + DAY if new.pieces else int(at.min()) // DAY * DAY
    made = []
    for start in range(first, new.until, DAY):
        chosen = rows[(at >= start) & (at < min(start + DAY, new.until))]
        data = packed(chosen[[*KEYS, *columns]])
        made.append(Piece(start, sha256(data)))
        registry.put(made[-1].key, data)
    registry.put(KEPT, pretty_bytes(replace(new, pieces=(*new.pieces, *made)).to_json()))
