"""Reading and writing tidy CSV tables. Instants are UTC; in files they are ISO 8601 with a Z.

Artifacts have no file extension, so gzip is recognised by its first two bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import IntArray, instants
from predictive_scaling.usage.checks import DEPLOYED, LOADS
from predictive_scaling.usage.table_told import header, unreadable

COMPRESSION = 6  # 9 takes twice the time for a hundredth of the bytes
GZIP_MAGIC = b"\x1f\x8b"
ISO_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
# What fits the memory of a pod: gzip packs a thousandfold, and a column or a short row costs more than its text.
MAX_TEXT = 256 * 2**20
MAX_ROWS = 5_000_000
MAX_HEADER = 64 * 2**10
# A service may be called null, nan, 007 or true: only a number can be missing by a word.
TEXTS = ("timestamp", "service", "kind", "container")
_WORDS = (*TEXTS, "metric", "model")
NUMBERS = (
    *("cpu", "memory", "cpu_max", "memory_max"),
    *("cpu_limit", "memory_limit", "cpu_request", "memory_request", "replicas"),
    *LOADS,
    DEPLOYED,
)
# pandas' own list (io.html, «na_values»), written out so that it is the same in every version.
_NO_NUMBER = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
              "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")  # fmt: skip
_UNREADABLE = (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, EOFError, zlib.error)


def read_csv(path: str | Path, only: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a plain or gzipped CSV; `timestamp` and `service` stay text. InputError when it is no CSV, or too large.

    With `only` the other columns are left in the file, to save memory; one that is missing is not there either.
    """
    with _readable(path), _csv(path, only, low_memory=False) as found:
        return cast("pd.DataFrame", found)


def csv_parts(path: str | Path, only: Sequence[str] | None, rows: int) -> Iterator[pd.DataFrame]:
    """The same, so many rows at a time; at least one part, so that an empty table has its columns."""
    with _readable(path), _csv(path, only, chunksize=rows) as found:
        yield from found


@contextmanager
def _csv(path: str | Path, only: Sequence[str] | None, **options: Any) -> Iterator[Any]:
    with opened(Path(path)) as file:
        columns = parsed(_Bounded(file, Path(path).name), (), nrows=0).columns
    with opened(Path(path)) as file:
        chosen = None if only is None else lambda name: name in only
        yield parsed(_Bounded(file, Path(path).name), columns, usecols=chosen, **options)


@contextmanager
def _readable(path: str | Path) -> Iterator[None]:
    """Raises InputError for what pandas raises."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise  # the caller's to handle; gzip's own complaint about broken data is an OSError too
    except (*_UNREADABLE, OSError) as error:
        # Not pandas' own words: they may hold the line that it stumbled over.
        raise InputError(f"{Path(path).name}: not a readable CSV: {_why(error)}") from None


def _why(error: Exception) -> str:
    """What is wrong with a file, without a byte of it."""
    if isinstance(error, pd.errors.EmptyDataError):
        return "it is empty"
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    if isinstance(error, (EOFError, zlib.error, OSError)):
        return "its gzip data is broken or ends too early"
    line = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    return (
        f"line {line[2]} has {line[3]} fields, not {line[1]}"
        if line
        else "its lines or quotes are no table's"
    )


def parsed(file: Any, columns: Iterable[str], **options: Any) -> pd.DataFrame:
    """A CSV with these columns: the text of `TEXTS` is kept as it is, and missing only where there is none.

    Raises what pandas raises.
    """
    missing = {name: [""] if name in TEXTS else list(_NO_NUMBER) for name in columns}
    found: pd.DataFrame = pd.read_csv(
        file, dtype=dict.fromkeys(TEXTS, "str"), keep_default_na=False, na_values=missing, **options
    )
    return found


def read_table_of(path: Path, header: Sequence[str], separator: str) -> pd.DataFrame:
    """Read a CSV of other tools as texts, by its own header or the given one. InputError when it is none, or too large.

    «Download for Excel» puts a first line `sep=,`, which says the separator.
    """
    try:
        with opened(path) as file:
            first = file.readline(MAX_HEADER).decode("utf-8-sig", "replace").strip().lower()
        said = first.removeprefix("sep=") if first.startswith("sep=") else ""
        with opened(path) as file:
            found: pd.DataFrame = pd.read_csv(
                cast("Any", _Bounded(file, path.name)),
                sep=said or separator,
                header=None if header else "infer",
                names=list(header) or None,
                skiprows=1 if said else 0,
                dtype="str",
                keep_default_na=False,
                encoding="utf-8-sig",
            )
            return found
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (*_UNREADABLE, OSError) as error:
        raise InputError(f"{path.name}: not a readable CSV: {_why(error)}") from None


def opened(path: Path) -> BinaryIO:
    """A file to read, unpacked where it is gzipped."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


class _Bounded:
    """A binary file that raises InputError where it gives more than the limits above."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name, self._left, self._rows = file, name, MAX_TEXT, 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, or all that is left."""
        found = self._file.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        if not self._rows and len(found) > MAX_HEADER and b"\n" not in found[:MAX_HEADER]:
            raise InputError(
                f"{self._name}: a first line of more than {MAX_HEADER >> 10} KiB; this is no usage table"
            )
        self._left -= len(found)
        self._rows += found.count(b"\n")
        if self._left < 0 or self._rows > MAX_ROWS + 1:
            raise InputError(
                f"{self._name}: more than {MAX_ROWS} rows or {MAX_TEXT >> 20} MiB unpacked; "
                "take fewer services or coarser samples"
            )
        return found

    def __iter__(self) -> Iterator[bytes]:
        """Pandas asks whether there is one, and reads."""
        return iter(self._file)


def read_table(
    path: str | Path, columns: Sequence[str], *, only: bool = False, also: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table that this package wrote, instants parsed; with `only` just these columns, and `also` if it has them.

    Raises InputError for missing columns, bad instants, what is no number where one is due.
    """
    return _table(read_csv(path, (*columns, *also) if only else None), columns, Path(path).name)


def read_parts(
    path: str | Path,
    columns: Sequence[str],
    rows: int,
    *,
    only: bool = False,
    also: Sequence[str] = (),
) -> Iterator[pd.DataFrame]:
    """The same, so many rows at a time."""
    for part in csv_parts(path, (*columns, *also) if only else None, rows):
        yield _table(part, columns, Path(path).name)


def _table(frame: pd.DataFrame, columns: Sequence[str], name: str) -> pd.DataFrame:
    require_columns(frame, columns, name)
    try:
        parsed = pd.to_datetime(frame["timestamp"], utc=True, format="ISO8601")
    except ValueError as error:
        raise InputError(f"{name}: bad timestamp: {unreadable(frame['timestamp'])}") from error
    if parsed.isna().any():
        raise InputError(f"{name}: bad timestamp: {unreadable(frame['timestamp'])}")
    numbers = [each for each in frame.columns if each in NUMBERS or (each in columns and each not in _WORDS)]
    require_numbers(frame, numbers, name)
    return frame.assign(timestamp=parsed, **{each: numeric(frame[each]) for each in numbers})


def numeric(values: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers, missing where there is none; pandas raises for a whole number beyond what a float can be."""
    try:
        return pd.to_numeric(values, errors="coerce")
    except OverflowError:
        return pd.to_numeric(values.astype("str").map(_float), errors="coerce")


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def require_numbers(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Raise InputError where a column holds other things than numbers; never what stands there."""
    wrong = []
    for column in (each for each in columns if each in frame and frame[each].dtype.kind not in "biuf"):
        bad = (numeric(frame[column]).isna() & frame[column].notna()).to_numpy()
        if bad.any():
            wrong.append(
                f"{column}: {int(bad.sum())} are no numbers, the first in row {int(bad.argmax()) + 2}"
            )
    if wrong:
        raise InputError(f"{name}: {'; '.join(wrong)}")


def require_columns(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Raise InputError that lists every missing column."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(f"{name}: missing columns: {', '.join(missing)}; found: {header(frame, columns)}")


def write_table(frame: pd.DataFrame, path: str | Path, *, compress: bool = False) -> None:
    """Write a table; equal tables give equal bytes."""
    write_parts([frame], path, compress=compress)


def write_parts(parts: Iterable[pd.DataFrame], path: str | Path, *, compress: bool = False) -> None:
    """Write tables of the same columns as one, each as it comes."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened_files:
        file: Any = opened_files.enter_context(Path(path).open("wb"))
        if compress:  # a zero time and no file name in the header: else equal tables would differ
            file = opened_files.enter_context(gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0))
        for at, part in enumerate(parts):
            file.write(_text(part, header=at == 0).encode())


def _text(frame: pd.DataFrame, *, header: bool) -> str:
    """What pandas' own `to_csv` gives, in two thirds of the time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(frame.columns)
    writer.writerows(zip(*(_cells(frame[name]) for name in frame.columns), strict=True))
    return text.getvalue()


def _cells(values: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return cast("list[Any]", values.dt.strftime(ISO_FORMAT).tolist())
    cells = values.tolist()
    for at in np.flatnonzero(values.isna().to_numpy()):
        cells[at] = ""
    return cells


def epoch_hours(frame: pd.DataFrame) -> IntArray:
    """Whole hours since 1970 of the column `timestamp`."""
    seconds: IntArray = frame["timestamp"].dt.as_unit("s").astype("int64").to_numpy(dtype=np.int64)
    hours: IntArray = seconds // 3600
    return hours


def utc(hours: IntArray) -> pd.DatetimeIndex:
    """UTC instants of whole hours since 1970."""
    return pd.DatetimeIndex(instants(hours)).tz_localize("UTC")
