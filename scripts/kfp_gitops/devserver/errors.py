"""The API's errors: a gRPC code, the HTTP status that grpc-gateway gives it, and a message.

    ApiError
    ├── InvalidArgumentError     400
    ├── FailedPreconditionError  400
    ├── UnauthenticatedError     401
    ├── ForbiddenError           403
    ├── NotFoundError            404
    ├── MethodNotAllowedError    405
    ├── AlreadyExistsError       409
    ├── LengthRequiredError      411
    ├── TooLargeError            413
    ├── InternalError            500
    └── UnimplementedError       501

`StartError` is apart: the server cannot start, and nobody is connected yet.
"""

from __future__ import annotations


class StartError(Exception):
    """The server cannot start as asked: an address, a port or a folder it may not or cannot use."""


class ApiError(Exception):
    """A refusal the client sees as `googleRpcStatus`."""

    status = 500
    code = 13

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgumentError(ApiError):
    status, code = 400, 3


class FailedPreconditionError(ApiError):
    status, code = 400, 9


class UnauthenticatedError(ApiError):
    status, code = 401, 16


class ForbiddenError(ApiError):
    status, code = 403, 7


class NotFoundError(ApiError):
    status, code = 404, 5


class MethodNotAllowedError(ApiError):
    status, code = 405, 12


class AlreadyExistsError(ApiError):
    status, code = 409, 6


class LengthRequiredError(ApiError):
    status, code = 411, 3


class TooLargeError(ApiError):
    status, code = 413, 8


class InternalError(ApiError):
    status, code = 500, 13


class UnimplementedError(ApiError):
    status, code = 501, 12
