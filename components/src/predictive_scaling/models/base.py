"""What every model offers."""

from __future__ import annotations

from collections.abc import Sequence
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

    def fits(self, windows: Windows) -> Sequence[Fitted | None]:
        """Fit to each of the windows, the same as one by one; None for one that could not be fitted."""
        ...

    def forecasts(self, windows: Windows, horizon: int) -> FloatArray:
        """What fits to each of the windows forecast (windows × horizon), the same as one by one.

        No row depends on those beside it, to the last bit. NaN in a row that could not be fitted.
        """
        ...


FIT_ERRORS = (ValueError, RuntimeError, ArithmeticError)
"""What a fit may raise that is the data's fault: Stan gives up on some series."""


def fitted_one_by_one(recipe: Recipe, windows: Windows) -> list[Fitted | None]:
    """`Recipe.fits` of a model that can be fitted to one window at a time."""
    found: list[Fitted | None] = [None] * len(windows.ends)
    for at, (end, values) in enumerate(zip(windows.ends.tolist(), windows.values, strict=True)):
        with suppress(*FIT_ERRORS):
            found[at] = recipe.fit(HourlySeries(end - len(values), values))
    return found


def one_by_one(recipe: Recipe, windows: Windows, horizon: int) -> FloatArray:
    """`Recipe.forecasts` of the same."""
    unknown = np.full(horizon, np.nan)
    fits = fitted_one_by_one(recipe, windows)
    rows = [unknown if fitted is None else fitted.forecast(horizon) for fitted in fits]
    return np.array(rows, dtype=np.float64).reshape(len(fits), horizon)
