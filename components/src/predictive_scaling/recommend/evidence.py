"""What a recommendation is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from predictive_scaling.base.documents import Document
from predictive_scaling.models.load import costs, levelled
from predictive_scaling.models.unit_cost import UnitCost


@dataclass(frozen=True)
class Evidence:
    """What a recommendation is made from: validated samples, what validation refused (service, metric -> reason),
    and the recommendation before, if there is one. `costs` are what a unit of load costs the services that have any;
    cores of `clean` are then as the code of now would have used them."""

    clean: pd.DataFrame
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    previous: Document | None = None
    costs: Mapping[str, UnitCost] = field(default_factory=dict)

    @staticmethod
    def of(
        clean: pd.DataFrame, refused: Mapping[tuple[str, str], str], previous: Document | None = None
    ) -> Evidence:
        """From samples as they were measured."""
        found = costs(clean, refused)
        return Evidence(levelled(clean, found), refused, previous, found)

    def end(self, now: datetime) -> pd.Timestamp:
        """Newest sample; now without any."""
        return pd.Timestamp(now) if self.clean.empty else self.clean["timestamp"].max()

    def samples(self, service: str) -> pd.DataFrame:
        """Samples of one service."""
        return self.clean[self.clean["service"] == service]

    def names(self) -> set[str]:
        """Services with samples or with a refusal."""
        return set(map(str, self.clean["service"])) | {service for service, _ in self.refused}
