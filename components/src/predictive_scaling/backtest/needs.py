"""How many days of usage are enough for what, in the terms of the backtest and of validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS
from predictive_scaling.backtest.folds import MIN_TRAIN_HOURS, TRAIN_HOURS, WARM_UP_ORIGINS
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.base.series import HOURS_PER_DAY
from predictive_scaling.usage.checks import ValidationRules
from predictive_scaling.usage.metric_checks import WEEKLY_DAYS


@dataclass(frozen=True)
class Need:
    """From so many days on there is this."""

    days: float
    what: str


def days_of_origins(number: int, horizon_hours: int) -> float:
    """Days of hourly usage that leave room for so many origins; see `folds.origins`."""
    between = math.ceil(horizon_hours / HOURS_PER_DAY)
    return (MIN_TRAIN_HOURS + horizon_hours) / HOURS_PER_DAY + (number - 1) * between


def needs(options: TrainingOptions | None = None, rules: ValidationRules | None = None) -> list[Need]:
    """What more days give, the least first."""
    training, validation = options or TrainingOptions(), rules or ValidationRules()
    folds, horizon = training.cv_folds, training.horizon_hours
    found = [
        Need(validation.min_days, "a recommendation"),
        Need(days_of_origins(WARM_UP_FOLDS + 1, horizon), "forecasts that can be accepted"),
        Need(WEEKLY_DAYS, "weekly terms"),
        Need(days_of_origins(folds, horizon), f"all {folds} folds"),
        Need(days_of_origins(folds + WARM_UP_ORIGINS, horizon), "bands and weights from the folds' past"),
        Need(TRAIN_HOURS / HOURS_PER_DAY, "the whole training window"),
    ]
    return sorted(found, key=lambda each: each.days)
