"""Tables of many services, one service at a time, so that memory does not grow with their number.

Every table that is written here has its services in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from predictive_scaling.usage.tables import csv_parts, read_parts, read_table

ROWS = 50_000
"""Of a part of a table: some megabytes."""


def runs(names: pd.Series[str]) -> list[tuple[str, int, int]]:
    """Name, first and last row (excluded) of neighbours of the same name."""
    values = names.to_numpy(dtype=object)
    edges = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return [(str(values[low]), low, high) for low, high in pairwise(edges) if high > low]


def rows_by_service(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each service, cut once: to look through all of them for each takes the square of their number."""
    return {str(name): rows for name, rows in table.groupby("service", sort=True)}


def by_service(parts: Iterable[pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each service with its rows, gathered across parts."""
    name, held = "", list[pd.DataFrame]()
    for part in parts:
        for service, low, high in runs(part["service"]):
            if service != name and held:
                yield name, _joined(held)
                held = []
            name = service
            held.append(part.iloc[low:high])
    if held:
        yield name, _joined(held)


def _joined(held: list[pd.DataFrame]) -> pd.DataFrame:
    return held[0] if len(held) == 1 else pd.concat(held, ignore_index=True)


class InOrder:
    """A table of a file that is asked for service after service, in the order of their names.

    `service` is whose turn it is, empty after the last one. With `only` the table has its columns alone, and those
    of `also` that there are.
    """

    def __init__(
        self, path: str | Path, columns: Sequence[str], *, only: bool = False, also: Sequence[str] = ()
    ) -> None:
        self._rows = by_service(_ordered(path, columns, only=only, also=also))
        self.service, self._table = "", pd.DataFrame(columns=pd.Index(columns))
        self._next()

    def _next(self) -> None:
        self.service, self._table = next(self._rows, ("", self._table.iloc[:0]))

    def services(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """All that is left, service by service."""
        while self.service:
            yield self.service, self._table
            self._next()

    def of(self, service: str) -> pd.DataFrame:
        """Rows of a service, none if it has none; services before it are left out."""
        while self.service and self.service < service:
            self._next()
        return self._table if self.service == service else self._table.iloc[:0]

    def leave(self, service: str) -> None:
        """Go on to the next service, if it is this one's turn."""
        if self.service == service:
            self._next()


def _ordered(
    path: str | Path, columns: Sequence[str], *, only: bool, also: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """A table's parts; where somebody has put it into another order, all of it, sorted."""
    names = [name for part in csv_parts(path, ["service"], ROWS) for name, _, _ in runs(_column(part))]
    if all(before <= after for before, after in pairwise(names)):
        return read_parts(path, columns, ROWS, only=only, also=also)
    return iter([read_table(path, columns, only=only, also=also).sort_values("service", kind="stable")])


def _column(part: pd.DataFrame) -> pd.Series[str]:
    """A table without that column is refused when it is read."""
    return part["service"] if "service" in part else pd.Series(dtype="str")
