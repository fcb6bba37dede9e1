"""Where usage data comes from: `sample:<name>` for shipped data, `s3://bucket/key` (also `minio://`), else a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from predictive_scaling.base.errors import InputError, MissingObjectError
from predictive_scaling.store.opening import is_s3, open_registry
from predictive_scaling.usage.checks import LOADS
from predictive_scaling.usage.tables import numeric, read_csv, require_columns, require_numbers

SAMPLE_PREFIX = "sample:"
SAMPLES = Path(__file__).parents[1] / "sample"
REQUIRED_COLUMNS = ("timestamp", "service", "cpu", "memory")


@contextmanager
def local_file(source: str) -> Iterator[Path]:
    """The file behind a source; an object is copied to this machine for as long.

    Raises InputError for an unknown sample or what is not there, RegistryError when the store does not answer.
    """
    if source.startswith(SAMPLE_PREFIX):
        yield _sample(source.removeprefix(SAMPLE_PREFIX))
    elif is_s3(source):
        with TemporaryDirectory() as folder:
            yield _object(source, Path(folder))
    elif not Path(source).is_file():
        other = Path(source).exists()
        raise InputError(
            f"{source}: {'no plain file (it is read twice); write it to one' if other else 'no such file'}"
        )
    else:
        yield Path(source)


def _object(source: str, folder: Path) -> Path:
    base, _, name = source.rpartition("/")
    try:
        open_registry(base).get_file(name, folder / "object")
    except MissingObjectError as error:
        raise InputError(f"{source}: no such object") from error
    return folder / "object"


def _sample(name: str) -> Path:
    known = {file.name.removesuffix(".csv.gz"): file for file in sorted(SAMPLES.glob("*.csv.gz"))}
    if name not in known:
        raise InputError(f"no sample {name!r}; there is {', '.join(known)}")
    return known[name]


def load_usage(source: str, required: Sequence[str] = REQUIRED_COLUMNS) -> pd.DataFrame:
    """Read usage data as it is, instants unparsed; raises InputError when columns are missing or it is empty."""
    with local_file(source) as path:
        frame = read_csv(path)
    require_columns(frame, required, source)
    if frame.empty:
        raise InputError(f"{source}: no rows")
    return frame


def usage_statistics(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows, mean, median, p95 and maximum of usage and load by service; raises InputError for what is no number."""
    metrics = [name for name in ("cpu", "memory", *LOADS) if name in frame.columns]
    require_numbers(frame, metrics, "usage data")
    frame = frame.assign(**{name: numeric(frame[name]) for name in metrics})
    grouped = frame.groupby("service", sort=True)
    columns: dict[str, pd.Series[float]] = {"rows": grouped.size().astype(float)}
    for metric in metrics:
        numbers = grouped[metric]
        columns |= {
            f"{metric}_mean": numbers.mean(),
            f"{metric}_p50": numbers.median(),
            f"{metric}_p95": numbers.quantile(0.95),
            f"{metric}_max": numbers.max(),
        }
    return pd.DataFrame(columns).reset_index()
