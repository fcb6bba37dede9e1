"""Models as JSON files: never pickle, which would run code from a bucket. What is read is distrusted.

Refused: more than 2 MB, a digest other than the expected one, another schema, numbers that are not finite, forecasts
that are not finite. Prophet itself would load NaN parameters and forecast NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictive_scaling.backtest.intervals import Band
from predictive_scaling.base.documents import canonical_bytes, parse_object, sha256
from predictive_scaling.base.errors import InputError, ModelRejectedError
from predictive_scaling.models import Fitted, from_state

MODEL_SCHEMA = "predictive-scaling-model/v3"
MAX_MODEL_BYTES = 2_000_000
# ArithmeticError: an integer of 400 digits is JSON, and no float.
_FOREIGN = (
    *(InputError, KeyError, TypeError, ValueError, AttributeError, AssertionError, IndexError),
    *(ArithmeticError, RecursionError),
)


@dataclass(frozen=True)
class StoredModel:
    """A fitted model of one series with the band of its out-of-sample residuals."""

    service: str
    metric: str
    fitted: Fitted
    band: Band


def encode(model: StoredModel) -> bytes:
    """Serialise; equal models give equal bytes."""
    return canonical_bytes(
        {
            "schema": MODEL_SCHEMA,
            "service": model.service,
            "metric": model.metric,
            "kind": model.fitted.kind,
            "band": model.band.to_json(),
            "state": model.fitted.to_json(),
        }
    )


def decode(data: bytes, expected_sha256: str) -> StoredModel:
    """Check and read a model; raises ModelRejectedError with the reason."""
    if len(data) > MAX_MODEL_BYTES:
        raise ModelRejectedError(f"model of {len(data)} bytes; at most {MAX_MODEL_BYTES} are read")
    if sha256(data) != expected_sha256:
        raise ModelRejectedError(f"model has sha256 {sha256(data)}, expected {expected_sha256}")
    try:
        return _checked(_parsed(data))
    except ModelRejectedError:
        raise
    # A foreign state can fail anywhere inside the model's own reader, with any of these.
    except _FOREIGN as error:
        raise ModelRejectedError(f"model cannot be read: {type(error).__name__}: {error}") from error


def _parsed(data: bytes) -> StoredModel:
    document = parse_object(data, "model")
    if document["schema"] != MODEL_SCHEMA:
        raise ModelRejectedError(f"model has schema {document['schema']!r}, expected {MODEL_SCHEMA!r}")
    _require_finite(document)
    band = Band.from_json(document["band"])
    fitted = from_state(document["kind"], document["state"])
    return StoredModel(str(document["service"]), str(document["metric"]), fitted, band)


def _checked(model: StoredModel) -> StoredModel:
    if not np.isfinite(model.fitted.forecast(1)).all():
        raise ModelRejectedError("model forecasts a value that is not finite")
    return model


def _require_finite(node: Any) -> None:
    """Look at every number: JSON's 1e999 reads as infinity."""
    if isinstance(node, float) and not math.isfinite(node):
        raise ModelRejectedError("model holds a number that is not finite")
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        _require_finite(child)
