"""The API's errors: a gRPC code, the HTTP status that grpc-gateway gives it, and a message.

    ApiError
    ├── InvalidArgumentError     400
    ├── FailedPreconditionError  400
    ├── UnauthenticatedError     401
    ├── ForbiddenError           403
    ├── NotFoundError            404
    ├── AlreadyExistsError       409
    ├── BadRequestError          409
    ├── InternalError            500
    ├── UnknownError             500
    ├── UnimplementedError       501
    └── GatewayError             refused before any service sees it; no details
        ├── MalformedError       400
        ├── NoSuchPathError      404
        ├── LengthRequiredError  411
        ├── TooLargeError        413
        └── NoSuchMethodError    501

A client sees two texts (util/error.go `UserError`): `message` is the whole chain of causes, `told` the short one in
`details`. `StartError` is apart: the server cannot start, and nobody is connected yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class StartError(Exception):
    """The server cannot start as asked: an address, a port or a folder it may not or cannot use."""


class ApiError(Exception):
    """A refusal the client sees as `googleRpcStatus`."""

    status = 500
    code = 13
    kind = ""
    """What util/error.go puts before the text."""

    def __init__(self, text: str, cause: str = "") -> None:
        super().__init__(text)
        self.message = ": ".join(part for part in (self.kind, text, cause) if part)
        self.told = text

    @property
    def told_code(self) -> int:
        """The code in `details`."""
        return self.code

    def __str__(self) -> str:
        return self.message


@contextlib.contextmanager
def during(what: str) -> Iterator[None]:
    """util.Wrap: an error from here gets what was being done before its message."""
    try:
        yield
    except (GatewayError, UnknownError):
        raise
    except ApiError as error:
        error.message = f"{what}: {error.message}"
        raise


@contextlib.contextmanager
def internal(what: str) -> Iterator[None]:
    """util.NewInternalServerError around whatever error: the answer is a 500, and only its `message` says why."""
    try:
        yield
    except GatewayError:
        raise
    except ApiError as error:
        raise InternalError(what, error.message) from error


class InvalidArgumentError(ApiError):
    status, code, kind = 400, 3, "Invalid input error"


class UnknownApiVersionError(InvalidArgumentError):
    kind = "UnknownApiVersionError"


class FailedPreconditionError(ApiError):
    status, code, kind = 400, 9, "FailedPreconditionError"


class UnauthenticatedError(ApiError):
    status, code = 401, 16


class ForbiddenError(ApiError):
    status, code = 403, 7


class NotFoundError(ApiError):
    """Of a kind of resource, and its id or name."""

    status, code, kind = 404, 5, "ResourceNotFoundError"

    def __init__(self, resource: str, key: str) -> None:
        super().__init__(f"{resource} {key} not found")


class AlreadyExistsError(ApiError):
    status, code, kind = 409, 6, "Already exist error"


class BadRequestError(ApiError):
    status, code, kind = 409, 10, "BadRequestError"


class InternalError(ApiError):
    kind = "InternalServerError"

    def __init__(self, text: str, cause: str = "") -> None:
        super().__init__(text, cause)
        self.told = "Internal Server Error"


class UnknownError(ApiError):
    """What the server did not foresee: the stack that Go writes comes along, some 3 kB (seen on KFP 2.17.0)."""

    told_code = 2

    def __init__(self, text: str) -> None:
        super().__init__(f"Internal error: {text}\n{STACK}")


class UnimplementedError(ApiError):
    status, code = 501, 12


class GatewayError(ApiError):
    """What grpc-gateway answers by itself."""


class MalformedError(GatewayError):
    status, code = 400, 3


class NoSuchPathError(GatewayError):
    status, code = 404, 5

    def __init__(self) -> None:
        super().__init__("Not Found")


class LengthRequiredError(GatewayError):
    status, code = 411, 3


class TooLargeError(GatewayError):
    status, code = 413, 8


class NoSuchMethodError(GatewayError):
    status, code = 501, 12

    def __init__(self) -> None:
        super().__init__("Method Not Allowed")


STACK = "\n".join(
    f"github.com/kubeflow/pipelines/backend/src/apiserver.frame{number}\n"
    f"\t/go/src/github.com/kubeflow/pipelines/backend/src/apiserver/frame.go:{number}"
    for number in range(100, 122)
)
"""As long as the real one; its lines are of no use to anybody."""
