"""Between tables and training: jobs from features; cross-validation and forecast tables, and model files, from results.

cv:       service, metric, fold (oldest 0), timestamp, y, model, is_candidate, p10, p50, p90, p95
forecast: service, metric, timestamp, model, p10, p50, p90, p95; a series without a model has its hours without values
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from predictive_scaling import __version__
from predictive_scaling.backtest.intervals import Quantiles
from predictive_scaling.backtest.reforecast import Reforecast
from predictive_scaling.backtest.training import FoldForecast, Job, SeriesTraining, TrainingOptions
from predictive_scaling.base.documents import Document, pretty_bytes, rounded, sha256, write_bytes
from predictive_scaling.base.series import FloatArray
from predictive_scaling.models.features import hourly_series
from predictive_scaling.models.load import loaded
from predictive_scaling.usage.checks import LOAD
from predictive_scaling.usage.tables import utc
from predictive_scaling.usage.validation import require_service_name

QUANTILES = ("p10", "p50", "p90", "p95")
CV_COLUMNS = ("service", "metric", "fold", "timestamp", "y", "model", "is_candidate", *QUANTILES)
FORECAST_COLUMNS = ("service", "metric", "timestamp", "model", *QUANTILES)
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ModelFile:
    """A model to write: its service, kind, bytes, and pooled WAPE where it was just trained."""

    service: str
    kind: str
    data: bytes
    wape: float | None


def jobs_from(features: pd.DataFrame, metric: str, service: str, options: TrainingOptions) -> list[Job]:
    """One job for every service of the table that has the metric, or for the one that is named."""
    if metric == LOAD and not service:
        return [job for name in loaded(features) for job in jobs_from(features, metric, name, options)]
    names = [service] if service else sorted(set(map(str, features["service"])))
    return [
        Job(name, metric, hourly_series(features, require_service_name(name), metric), options)
        for name in names
    ]


def cv_table(results: Sequence[SeriesTraining]) -> pd.DataFrame:
    """Every forecast of every fold."""
    tables = [_fold_rows(result, fold) for result in results for fold in result.folds if result.origins]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=pd.Index(CV_COLUMNS))


def _fold_rows(result: SeriesTraining, fold: FoldForecast) -> pd.DataFrame:
    count, horizon = fold.p50.shape
    hours = np.array(result.origins, dtype=np.int64)[:, None] + np.arange(horizon)
    rows = pd.DataFrame({"fold": np.repeat(np.arange(count), horizon), "timestamp": utc(hours.ravel())})
    values = {"y": result.actual, "p50": fold.p50, **fold.bounds._asdict()}
    named = rows.assign(
        service=result.service,
        metric=result.metric,
        model=fold.model,
        is_candidate=fold.is_candidate,
        **{name: array.ravel() for name, array in values.items()},
    )
    return named[list(CV_COLUMNS)]


def forecast_table(results: Sequence[SeriesTraining], horizon: int) -> pd.DataFrame:
    """The champions' forecasts; every series that was to be trained is in it."""
    tables = [_forecast_rows(result, horizon) for result in results]
    return (
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=pd.Index(FORECAST_COLUMNS))
    )


def _forecast_rows(result: SeriesTraining, horizon: int) -> pd.DataFrame:
    champion = result.champion
    if champion is None:
        nothing = np.full(horizon, np.nan)
        bounds = Quantiles(nothing, nothing, nothing)
        return _rows(result.service, result.metric, "", result.forecast_start, nothing, bounds)
    return _rows(
        result.service, result.metric, champion.kind, result.forecast_start, champion.p50, champion.bounds
    )


def _rows(
    service: str, metric: str, kind: str, start: int, p50: FloatArray, bounds: Quantiles
) -> pd.DataFrame:
    hours = np.arange(start, start + len(p50), dtype=np.int64)
    rows = pd.DataFrame({"timestamp": utc(hours), "p50": p50, **bounds._asdict()})
    return rows.assign(service=service, metric=metric, model=kind)[list(FORECAST_COLUMNS)]


def reforecast_table(results: Sequence[Reforecast]) -> pd.DataFrame:
    """Forecasts of the models in force; every series of the features is in it."""
    tables = [
        _rows(each.service, each.metric, each.kind, each.start, each.p50, each.bounds) for each in results
    ]
    return (
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=pd.Index(FORECAST_COLUMNS))
    )


def write_models(
    results: Sequence[SeriesTraining], metric: str, folder: str | Path, horizon: int
) -> Document:
    """Write one JSON per series, then the manifest that lists them with digests; gives the manifest."""
    trained = [(each.service, each.champion) for each in results if each.champion]
    files = [ModelFile(service, each.kind, each.encoded, rounded(each.wape)) for service, each in trained]
    refused = {each.service: each.reason for each in results if not each.champion}
    return _write_folder(files, refused, metric, folder, horizon)


def write_current_models(
    results: Sequence[Reforecast], metric: str, folder: str | Path, horizon: int
) -> Document:
    """The same folder from the models in force, as they are in the registry."""
    files = [ModelFile(each.service, each.kind, each.data, None) for each in results if not each.reason]
    refused = {each.service: each.reason for each in results if each.reason}
    return _write_folder(files, refused, metric, folder, horizon)


def _write_folder(
    files: Sequence[ModelFile], refused: Mapping[str, str], metric: str, folder: str | Path, horizon: int
) -> Document:
    for each in files:
        write_bytes(Path(folder) / model_file(each.service), each.data)
    manifest: Document = {
        "schema": "predictive-scaling-manifest/v1",
        "metric": metric,
        "granularity": "1h",
        "horizon_hours": horizon,
        "versions": library_versions(),
        "models": [_entry(each) for each in files],
        "refused": [{"service": service, "reason": reason} for service, reason in refused.items()],
    }
    write_bytes(Path(folder) / MANIFEST, pretty_bytes(manifest))
    return manifest


def model_file(service: str) -> str:
    """File of a service's model within the folder."""
    return f"{service}.json"


def _entry(each: ModelFile) -> Document:
    entry: Document = {
        "service": each.service,
        "file": model_file(each.service),
        "sha256": sha256(each.data),
        "kind": each.kind,
    }
    return entry if each.wape is None else entry | {"wape": each.wape}


def library_versions() -> dict[str, str]:
    """Versions of what the models were made with."""
    return {"predictive-scaling": __version__} | {
        name: _version(name) for name in ("numpy", "pandas", "prophet")
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
