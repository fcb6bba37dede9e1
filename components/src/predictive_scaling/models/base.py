"""What every model offers."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import FloatArray, HourlySeries, Windows


class Fitted(Protocol):
    """A model that has seen a series."""

    @property
    def kind(self) -> str:
        """Name of the model, such as `profile_level`."""
        ...

    def forecast(self, hours: int) -> FloatArray:
        """Median forecast of the next `hours` hours after the series; never negative."""
        ...

    def updated(self, recent: HourlySeries) -> Fitted:
        """The model as seen from the end of newer data: nothing is trained, only the newest usage is taken in."""
        ...

    def to_json(self) -> Document:
        """State as plain JSON: finite numbers, text, lists and objects."""
        ...


class Recipe(Protocol):
    """A model that has not seen data."""

    @property
    def kind(self) -> str:
        """Name of the model."""
        ...

    @property
    def min_hours(self) -> int:
        """Hours that a series must span, half of them observed, before fitting makes sense."""
        ...

    def fit(self, series: HourlySeries) -> Fitted:
        """Fit to a series that may have gaps (NaN); does not change it."""
        ...

    def forecasts(self, windows: Windows, horizon: int) -> FloatArray:
        """What fits to each of the windows forecast (windows × horizon), the same as one by one.

        No row depends on those beside it, to the last bit. NaN in a row that could not be fitted.
        """
        ...


FIT_ERRORS = (ValueError, RuntimeError, ArithmeticError)
"""What a fit may raise that is the data's fault: Stan gives up on some series."""


def one_by_one(recipe: Recipe, windows: Windows, horizon: int) -> FloatArray:
    """`Recipe.forecasts` of a model that can be fitted to one window at a time."""
    rows = np.full((len(windows.ends), horizon), np.nan)
    for at, (end, values) in enumerate(zip(windows.ends.tolist(), windows.values, strict=True)):
        with suppress(*FIT_ERRORS):
            rows[at] = recipe.fit(HourlySeries(end - len(values), values)).forecast(horizon)
    return rows
