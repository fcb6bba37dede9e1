"""One function per pipeline step, around pure functions of tables.

Comes in: paths and plain values; tables may be plain or gzipped CSV. Goes out: plain values, and files at the paths.
Data at fault is reported through what a step gives back, because a system that runs steps skips everything after one
that raises. A fault of the platform or of the parameters raises.
"""

from __future__ import annotations

from predictive_scaling.steps import data, ending, fetching, modelling, reforecasting, release
from predictive_scaling.steps.data import Loaded, Validated
from predictive_scaling.steps.ending import Ending
from predictive_scaling.steps.modelling import Judged
from predictive_scaling.steps.reforecasting import Reforecasted
from predictive_scaling.steps.showing import Report
from predictive_scaling.steps.surroundings import Surroundings
from predictive_scaling.tell.logs import logged

__all__ = [
    "Ending",
    "Judged",
    "Loaded",
    "Reforecasted",
    "Report",
    "Surroundings",
    "Validated",
    "cleanup",
    "engineer_features",
    "fallback_recommendation",
    "fetch_usage",
    "forecast_current",
    "load_usage",
    "publish_recommendation",
    "summarize_usage",
    "train_model",
    "validate_data",
    "validate_model",
]

load_usage = logged(data.load_usage)
fetch_usage = logged(fetching.fetch_usage)
summarize_usage = logged(data.summarize_usage)
validate_data = logged(data.validate_data)
engineer_features = logged(data.engineer_features)
train_model = logged(modelling.train_model)
validate_model = logged(modelling.validate_model)
forecast_current = logged(reforecasting.forecast_current)
publish_recommendation = logged(release.publish_recommendation)
fallback_recommendation = logged(release.fallback_recommendation)
cleanup = logged(ending.cleanup)
