"""HTTP to the servers beside the registry: Prometheus, Pushgateway, webhooks.

Time limits on every call; refused connections, 429 and 5xx are tried again with jitter. Redirects are not followed:
they would carry the token elsewhere. Error messages name the server and never its URL, which may itself be a secret.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from predictive_scaling.errors import InputError, RefusedError, RemoteError
from predictive_scaling.settings import ca_file, setting

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
ATTEMPTS = 4
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 8.0
MAX_ANSWER_BYTES = 64_000_000
TOO_LARGE = 413
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Server:
    """A server by its role, such as PROMETHEUS, and its base URL, kept out of `repr` for it may hold a secret."""

    role: str
    url: str = field(repr=False)
    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"the URL of {self.name} must start with http:// or https:// and name a host")

    @property
    def name(self) -> str:
        """The role as people write it."""
        return self.role.capitalize()

    def call(
        self,
        method: str,
        path: str = "",
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer's body; raises RemoteError when the server refuses or does not answer in several attempts."""
        for attempt in range(1, self.attempts + 1):
            failure = self._attempt(method, path, body, headers or {})
            if isinstance(failure, bytes):
                return failure
            if not failure.transient or attempt == self.attempts:
                raise failure.error(self.name)
            self.sleep(_pause(attempt))
        raise RemoteError(f"{self.name} was not asked: no attempts are allowed")

    def _attempt(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes | _Failure:
        try:
            with requests.request(
                method,
                self.url.rstrip("/") + path,
                data=body,
                headers={**headers, **_bearer(self.role)},
                auth=_basic(self.role),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                verify=ca_file() or True,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return _body(answer)
        except requests.exceptions.SSLError:
            return _Failure("has a certificate that is not trusted", transient=False)
        except requests.exceptions.RequestException as error:
            return _Failure(f"did not answer: {type(error).__name__}", transient=True)


@dataclass(frozen=True)
class _Failure:
    text: str
    transient: bool
    status: int = 0

    def error(self, name: str) -> RemoteError:
        text = f"{name} {self.text}"
        return RefusedError(text, self.status) if self.status else RemoteError(text)


def _body(answer: requests.Response) -> bytes | _Failure:
    parts, size = [], 0
    for part in answer.iter_content(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return _Failure(
                f"answered with more than {MAX_ANSWER_BYTES} bytes", transient=False, status=TOO_LARGE
            )
    if answer.status_code < 300:
        return b"".join(parts)
    excerpt = " ".join(b"".join(parts)[:300].decode(errors="replace").split())
    text = f"answered {answer.status_code}" + (f": {excerpt}" if excerpt else "")
    return _Failure(text, answer.status_code in _TRANSIENT, answer.status_code)


def _bearer(role: str) -> dict[str, str]:
    token = setting(f"{role}_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _basic(role: str) -> tuple[str, str] | None:
    user = setting(f"{role}_USER")
    return (user, setting(f"{role}_PASSWORD")) if user else None


def _pause(attempt: int) -> float:
    """Full jitter, so that many clients do not come back at once."""
    return random.uniform(0, min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311 -- no secret
