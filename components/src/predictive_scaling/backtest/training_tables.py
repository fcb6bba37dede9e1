"""Between tables and training: jobs from features; cross-validation and forecast tables, and model files, from results.

cv:       service, metric, fold (oldest 0), timestamp, y, model, is_candidate, p10, p50, p90, p95
forecast: service, metric, timestamp, model, p10, p50, p90, p95; a series without a model has its hours without values
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from predictive_scaling import __version__
from predictive_scaling.backtest.intervals import Quantiles
from predictive_scaling.backtest.reforecast import Reforecast
from predictive_scaling.backtest.training import Job, SeriesTraining, TrainingOptions
from predictive_scaling.base.documents import Document, pretty_bytes, rounded, sha256, write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import FloatArray, IntArray
from predictive_scaling.models.features import deployments, level_changes, series_of
from predictive_scaling.usage.checks import LOAD
from predictive_scaling.usage.load_checks import load_column
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


def jobs_of(
    tables: Iterable[tuple[str, pd.DataFrame]], metric: str, service: str, options: TrainingOptions
) -> list[Job]:
    """One job for every service, each with its own table, that has the metric, or for the one that is named."""
    jobs = [
        Job(
            name,
            metric,
            series_of(rows, require_service_name(name), metric),
            options,
            deployments(rows),
            level_changes(rows) if metric == "cpu" else (),
        )
        for name, rows in tables
        if (not service or name == service) and (metric != LOAD or load_column(rows))
    ]
    if service and not jobs:
        raise InputError(f"{require_service_name(service)}: no rows in the features")
    return jobs


def cv_table(results: Sequence[SeriesTraining]) -> pd.DataFrame:
    """Every forecast of every fold."""
    pairs = [(result, fold) for result in results for fold in result.folds if result.origins]
    if not pairs:
        return pd.DataFrame(columns=pd.Index(CV_COLUMNS))
    sizes = [fold.p50.size for _, fold in pairs]
    hours = [_hours(result, fold.p50.shape[1]) for result, fold in pairs]
    columns = {
        "service": np.repeat([result.service for result, _ in pairs], sizes),
        "metric": np.repeat([result.metric for result, _ in pairs], sizes),
        "fold": np.concatenate([np.repeat(np.arange(len(fold.p50)), fold.p50.shape[1]) for _, fold in pairs]),
        "timestamp": utc(np.concatenate(hours)),
        "y": np.concatenate([result.actual.ravel() for result, _ in pairs]),
        "model": np.repeat([fold.model for _, fold in pairs], sizes),
        "is_candidate": np.repeat([fold.is_candidate for _, fold in pairs], sizes),
        "p50": np.concatenate([fold.p50.ravel() for _, fold in pairs]),
    }
    for name in Quantiles._fields:
        columns[name] = np.concatenate([getattr(fold.bounds, name).ravel() for _, fold in pairs])
    return pd.DataFrame({name: columns[name] for name in CV_COLUMNS})


def _hours(result: SeriesTraining, horizon: int) -> IntArray:
    return (np.array(result.origins, dtype=np.int64)[:, None] + np.arange(horizon)).ravel()


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


@dataclass
class ModelFolder:
    """A folder of models that are written as they are made, and the manifest that lists them."""

    folder: str | Path
    metric: str
    horizon: int
    models: list[Document] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, each: ModelFile) -> None:
        """Write one model."""
        write_bytes(Path(self.folder) / model_file(each.service), each.data)
        self.models.append(_entry(each))

    def add_trained(self, results: Sequence[SeriesTraining]) -> None:
        """Write the models of series that were just trained; of the others the reason is listed."""
        for each in results:
            if each.champion:
                champion = each.champion
                self.add(ModelFile(each.service, champion.kind, champion.encoded, rounded(champion.wape)))
            else:
                self.refused[each.service] = each.reason

    def finish(self) -> Document:
        """Write the manifest, and give it."""
        manifest: Document = {
            "schema": "predictive-scaling-manifest/v1",
            "metric": self.metric,
            "granularity": "1h",
            "horizon_hours": self.horizon,
            "versions": library_versions(),
            "models": self.models,
            "refused": [{"service": service, "reason": reason} for service, reason in self.refused.items()],
        }
        write_bytes(Path(self.folder) / MANIFEST, pretty_bytes(manifest))
        return manifest


def write_current_models(
    results: Sequence[Reforecast], metric: str, folder: str | Path, horizon: int
) -> Document:
    """The same folder from the models in force, as they are in the registry."""
    written = ModelFolder(folder, metric, horizon)
    for each in results:
        if each.reason:
            written.refused[each.service] = each.reason
        else:
            written.add(ModelFile(each.service, each.kind, each.data, None))
    return written.finish()


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
