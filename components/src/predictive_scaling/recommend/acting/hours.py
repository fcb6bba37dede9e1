"""Floors of a run: chosen for all its services together, given for the hours of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.acting.choice import Choice, FloorOptions, Worth, chosen
from predictive_scaling.recommend.acting.past import Past, past_of


@dataclass(frozen=True)
class Sized:
    """A service's clean rows (timestamp, cpu), cores of a replica, and the replicas that there are in any case.

    `expected` is the mean of its forecast for the next day in cores, None without a forecast that is used.
    """

    samples: pd.DataFrame
    cores: float
    least: float = 1.0
    expected: float | None = None


@dataclass(frozen=True)
class Acted:
    """Cores to be ready for by hour of the day (UTC), and what such floors were worth on the newest days."""

    by_hour: FloatArray
    worth: Worth | None = None

    def cores(self, hours: pd.DatetimeIndex) -> FloatArray:
        """Of these hours."""
        found: FloatArray = self.by_hour[hours.hour.to_numpy()]
        return found

    def document(self) -> Document:
        """What an entry says of it."""
        if self.worth is None:
            return {}
        told = self.worth
        return {
            "acting": {
                "days": told.days,
                "unserved_before": rounded(told.unserved_before),
                "unserved_after": rounded(told.unserved_after),
                "pods_ratio": rounded(told.pods_ratio),
            }
        }


def acted(services: Mapping[str, Sized], options: FloorOptions) -> dict[str, Acted]:
    """Floors of every service whose past says enough; the others are left out."""
    pasts = {name: _past(name, each, options) for name, each in services.items()}
    known = {name: past for name, past in pasts.items() if past is not None}
    if not known:
        return {}
    choice = chosen(list(known.values()), options)
    return {name: _acted(choice, name, services[name]) for name in known}


def _past(name: str, each: Sized, options: FloorOptions) -> Past | None:
    return past_of(name, each.samples, target=options.target, cores=each.cores, least=each.least)


def _acted(choice: Choice, name: str, each: Sized) -> Acted:
    """The first of the 24 hours is the one after the newest that is known."""
    cores = choice.floor_demand(name, each.expected)
    by_hour = np.roll(np.asarray(cores, dtype=np.float64), choice.pasts[name].first_hour)
    return Acted(by_hour, choice.worth.get(name))
