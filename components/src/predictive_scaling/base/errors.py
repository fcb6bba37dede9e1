"""Errors of this package.

PredictiveScalingError
├── InputError       the caller's data or parameters are wrong (also a ValueError)
│   └── ModelRejectedError    a stored model is not to be trusted
└── RemoteError      a server did not answer or refused (also a RuntimeError)
    ├── RefusedError          it answered, with a status that says no
    └── RegistryError         … and that server keeps the registry
        └── MissingObjectError    the registry answers, and has no such object
"""

from __future__ import annotations


class PredictiveScalingError(Exception):
    """Root of this package's errors."""


class InputError(PredictiveScalingError, ValueError):
    """Data or parameters cannot be used; the message says which and why."""


class ModelRejectedError(InputError):
    """A stored model is too large, altered, foreign or not finite."""


class RemoteError(PredictiveScalingError, RuntimeError):
    """A server did not answer or refused: the platform's fault, so trying again may help."""


class RefusedError(RemoteError):
    """A server answered, with an HTTP status that says no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RegistryError(RemoteError):
    """The registry cannot be read or written."""


class MissingObjectError(RegistryError):
    """The registry answers, and has no such object."""
