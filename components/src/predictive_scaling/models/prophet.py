"""Prophet (Taylor & Letham, "Forecasting at scale", 2018) with enough Fourier terms for narrow daily peaks.

Prophet's own default of 4 daily terms halves such peaks. Weekly terms need two weeks of history: with less they are
fitted to noise. Prophet is imported when a model is fitted or read, because that import takes a second.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import (
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    FloatArray,
    HourlySeries,
    IntArray,
    Windows,
    instants,
)
from predictive_scaling.models.base import Fitted, fitted_one_by_one, one_by_one
from predictive_scaling.models.prophet_alone import import_prophet
from predictive_scaling.models.stan import Optimiser


@dataclass(frozen=True)
class FittedProphet:
    """A fitted Prophet object, the first hour to forecast, and what newer data showed it to be off by."""

    end: int
    model: Any  # prophet.Prophet is untyped
    offset: float = 0.0
    kind: str = "prophet"

    def forecast(self, hours: int) -> FloatArray:
        """Predict; clipped at zero, below which an additive trend may fall."""
        ahead = np.arange(self.end, self.end + hours, dtype=np.int64)
        forecast: FloatArray = np.maximum(self._predict(ahead) + self.offset, 0.0)
        return forecast

    def updated(self, recent: HourlySeries) -> FittedProphet:
        """Keeps all parameters; the median error of the newest day is added from now on."""
        day = recent.between(recent.end - HOURS_PER_DAY, recent.end)
        errors = day.values - self._predict(day.hours)
        known = errors[np.isfinite(errors)]
        return FittedProphet(recent.end, self.model, float(np.median(known)) if len(known) else 0.0)

    def _predict(self, hours: IntArray) -> FloatArray:
        import pandas as pd

        with _quiet():
            predicted = self.model.predict(pd.DataFrame({"ds": instants(hours)}))
        found: FloatArray = predicted["yhat"].to_numpy(dtype=np.float64)
        return found

    def to_json(self) -> Document:
        """State: Prophet's own JSON, which holds the training history."""
        with _quiet():
            import_prophet()
            from prophet.serialize import model_to_dict

            state = model_to_dict(self.model)
        return {"end": self.end, "offset": self.offset, "model": state}

    @staticmethod
    def from_json(state: Document) -> FittedProphet:
        """Read the state back; raises InputError for another version of Prophet, whose fields may differ."""
        with _quiet():
            prophet = import_prophet()
            from prophet.serialize import model_from_dict

        written = state["model"].get("__prophet_version")
        if written != prophet.__version__:
            raise InputError(f"written by prophet {written}, read by {prophet.__version__}")
        with _quiet():
            model = model_from_dict(state["model"])
        return FittedProphet(int(state["end"]), model, float(state["offset"]))


@dataclass(frozen=True)
class ProphetRecipe:
    """Fourier orders, flexibility of the trend, `growth` (linear or flat) and the seed of the optimiser."""

    daily_order: int = 10
    weekly_order: int = 6
    changepoint_prior_scale: float = 0.05
    growth: str = "linear"
    seed: int = 1
    kind: str = "prophet"
    min_hours: int = 4 * HOURS_PER_DAY

    def fit(self, series: HourlySeries) -> FittedProphet:
        """Fit to the observed hours; gaps need no filling."""
        import pandas as pd

        known = np.isfinite(series.values)
        history = pd.DataFrame({"ds": instants(series.hours[known]), "y": series.values[known]})
        with _quiet():
            model = self._unfitted(weekly=len(series.values) >= 2 * HOURS_PER_WEEK)
            model.fit(history, seed=self.seed)
        return FittedProphet(series.end, model)

    def fits(self, windows: Windows) -> list[Fitted | None]:
        """One after the other: Stan knows no more."""
        return fitted_one_by_one(self, windows)

    def forecasts(self, windows: Windows, horizon: int) -> FloatArray:
        """One fit a window."""
        return one_by_one(self, windows, horizon)

    def _unfitted(self, *, weekly: bool) -> Any:
        model: Any = import_prophet().Prophet(
            growth=self.growth,  # checked by ModelOptions
            changepoint_prior_scale=self.changepoint_prior_scale,
            yearly_seasonality=False,
            weekly_seasonality=self.weekly_order if weekly else False,
            daily_seasonality=False,
            uncertainty_samples=0,  # bands come from out-of-sample residuals, which Prophet's own samples do not cover
        )
        model.stan_backend.model = Optimiser(model.stan_backend.model)
        return model.add_seasonality("daily", period=1, fourier_order=self.daily_order)


@contextmanager
def _quiet() -> Iterator[None]:
    """Switch off what Prophet and Stan say on import and at every fit: none of it concerns the reader.

    Prophet 1.5 uses what pandas 3.1 deprecates; only warnings that its own code causes are dropped.
    """
    for name in ("cmdstanpy", "prophet.plot"):
        logging.getLogger(name).disabled = True
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"prophet\.")
        yield
