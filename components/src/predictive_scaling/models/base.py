"""What every model offers."""

from __future__ import annotations

from typing import Protocol

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import FloatArray, HourlySeries


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
