"""Errors of this package.

PredictiveScalingError
├── InputError       the caller's data or parameters are wrong (also a ValueError)
│   └── ModelRejectedError    a stored model is not to be trusted
└── RegistryError    the registry did not answer or refused (also a RuntimeError)
"""

from __future__ import annotations


class PredictiveScalingError(Exception):
    """Root of this package's errors."""


class InputError(PredictiveScalingError, ValueError):
    """Data or parameters cannot be used; the message says which and why."""


class ModelRejectedError(InputError):
    """A stored model is too large, altered, foreign or not finite."""


class RegistryError(PredictiveScalingError, RuntimeError):
    """The registry cannot be read or written."""
