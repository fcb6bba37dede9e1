"""One function per pipeline step: paths and plain values in, plain values out.

Data at fault is reported through what a step gives back, because a system that runs steps skips everything after one
that raises. A fault of the platform or of the parameters raises. Tables may be plain or gzipped CSV.
"""

from __future__ import annotations

from predictive_scaling.steps.data import (
    Loaded,
    Validated,
    engineer_features,
    load_usage,
    summarize_usage,
    validate_data,
)
from predictive_scaling.steps.modelling import Judged, train_model, validate_model
from predictive_scaling.steps.release import cleanup, fallback_recommendation, publish_recommendation

__all__ = [
    "Judged",
    "Loaded",
    "Validated",
    "cleanup",
    "engineer_features",
    "fallback_recommendation",
    "load_usage",
    "publish_recommendation",
    "summarize_usage",
    "train_model",
    "validate_data",
    "validate_model",
]
