"""Where usage data comes from: `sample:<name>` for shipped data, else a path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from predictive_scaling.errors import InputError
from predictive_scaling.tables import read_csv, require_columns

SAMPLE_PREFIX = "sample:"
SAMPLES = Path(__file__).parent / "sample"
REQUIRED_COLUMNS = ("timestamp", "service", "cpu", "memory")


def resolve(source: str) -> Path:
    """Give the file behind a source; raises InputError for an unknown sample or a missing file."""
    if source.startswith(SAMPLE_PREFIX):
        return _sample(source.removeprefix(SAMPLE_PREFIX))
    path = Path(source)
    if not path.is_file():
        raise InputError(f"{source}: no such file")
    return path


def _sample(name: str) -> Path:
    known = {file.name.removesuffix(".csv.gz"): file for file in sorted(SAMPLES.glob("*.csv.gz"))}
    if name not in known:
        raise InputError(f"no sample {name!r}; there is {', '.join(known)}")
    return known[name]


def load_usage(source: str, required: Sequence[str] = REQUIRED_COLUMNS) -> pd.DataFrame:
    """Read usage data as it is, instants unparsed; raises InputError when columns are missing or it is empty."""
    path = resolve(source)
    frame = read_csv(path)
    require_columns(frame, required, source)
    if frame.empty:
        raise InputError(f"{source}: no rows")
    return frame


def usage_statistics(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows, mean, median, p95 and maximum of cpu and memory by service."""
    grouped = frame.groupby("service", sort=True)
    columns: dict[str, pd.Series[float]] = {"rows": grouped.size().astype(float)}
    for metric in (name for name in ("cpu", "memory") if name in frame.columns):
        numbers = grouped[metric]
        columns |= {
            f"{metric}_mean": numbers.mean(),
            f"{metric}_p50": numbers.median(),
            f"{metric}_p95": numbers.quantile(0.95),
            f"{metric}_max": numbers.max(),
        }
    return pd.DataFrame(columns).reset_index()
