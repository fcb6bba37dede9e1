"""HTTP to the servers beside the registry: Prometheus, Pushgateway, webhooks.

The loop is ours, for urllib3's Retry counts and knows no patience, and is over before a body is read in pieces, as it
is here for its limit: one that comes in part would not be asked for again.

Time limits on every call. What passes is waited for here, for KFP's `retry` does nothing for a step that failed where
KFP is installed as its manifests have it (seen on 2.17.0): broken connections, time-outs, 408, 425, 429 and 5xx but 501
and 505 are tried again with jitter until the patience is over; everything else is final at once. Redirects are not
followed: they would carry the token elsewhere. Error messages name the server and never its URL, which may itself be a
secret.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from predictive_scaling.base import timely
from predictive_scaling.base.errors import InputError, RefusedError, RemoteError
from predictive_scaling.base.hidden import hidden
from predictive_scaling.base.settings import ca_file, seconds, setting

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 60.0, 180.0
"""To connect; between two pieces of an answer; from the first byte that is sent to the last one of the answer."""
PATIENCE_SECONDS = 60.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 8.0
MAX_ANSWER_BYTES = 64_000_000
TOO_LARGE = 413
_TRANSIENT = frozenset({408, 425, 429, *range(500, 600)}) - {501, 505}
_CHUNK = 1 << 16
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Server:
    """A server by its role, such as PROMETHEUS, and its base URL, kept out of `repr` for it may hold a secret."""

    role: str
    url: str = field(repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # half of an IPv6 address, a port that is no number
            usable = False
        if not usable:
            raise InputError(
                f"the URL of {self.name} must start with http:// or https:// and name a host, and a port that there is"
            )

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
        """The answer's body; raises RemoteError when the server refuses, or does not answer as long as patience lasts.

        The last attempt may end later than that, by the time limits of one.
        """
        require_origin(self.role, self.url)
        end = self.clock() + seconds("WEB_PATIENCE_SECONDS", PATIENCE_SECONDS)
        for attempt in itertools.count(1):
            failure = self._attempt(method, path, body, headers or {})
            if isinstance(failure, bytes):
                return failure
            pause = max(_pause(attempt), failure.wait)
            if not failure.transient or self.clock() + pause > end:
                raise failure.error(self.name)
            self.sleep(pause)
        raise AssertionError("unreachable: the loop has no end")

    def _attempt(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes | _Failure:
        try:
            with (
                timely.within(WHOLE_SECONDS),
                _session() as session,
                session.request(
                    method,
                    self.url.rstrip("/") + path,
                    data=body,
                    headers={**headers, **_bearer(self.role)},
                    auth=_basic(self.role),
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    verify=ca_file() or True,
                    allow_redirects=False,
                    stream=True,
                ) as answer,
            ):
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
    wait: float = 0.0
    """Seconds that the server asks to be left alone."""

    def error(self, name: str) -> RemoteError:
        text = f"{name} {self.text}"
        return RefusedError(text, self.status) if self.status else RemoteError(text)


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = timely.POOLS

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        found = super().proxy_manager_for(*args, **more)
        found.pool_classes_by_scheme = timely.POOLS
        return found


def require_origin(role: str, url: str) -> None:
    """Raise InputError where the settings have a token or password for a server that they name, and this is another.

    Where they name none, whoever calls has named it: a command line, or what is reviewed with the token's reference.
    """
    if _secured(role) and setting(f"{role}_URL") and origin(url) != origin(setting(f"{role}_URL")):
        raise InputError(
            f"{role.capitalize()}: this is not the server that PREDICTIVE_SCALING_{role}_URL names, and the token or "
            "password of the settings is for that one alone; set it to this address, or unset the token"
        )


def require_named(role: str, url: str) -> None:
    """The same for an address that a run's parameter gives: where the settings name none, it gets no token either."""
    if _secured(role) and not setting(f"{role}_URL"):
        raise InputError(
            f"{role.capitalize()}: the settings have a token or password and do not say for whom; set "
            f"PREDICTIVE_SCALING_{role}_URL to the address that it is for"
        )
    require_origin(role, url)


def _secured(role: str) -> bool:
    return bool(setting(f"{role}_TOKEN") or setting(f"{role}_USER"))


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL (RFC 6454), the port of the scheme filled in."""
    parts = urlsplit(url)
    return (
        parts.scheme.lower(),
        (parts.hostname or "").lower(),
        parts.port or _PORTS.get(parts.scheme.lower()),
    )


def _session() -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


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
    excerpt = hidden(" ".join(b"".join(parts)[:300].decode(errors="replace").split()))
    text = f"answered {answer.status_code}" + (f": {excerpt}" if excerpt else "")
    return _Failure(text, answer.status_code in _TRANSIENT, answer.status_code, _retry_after(answer))


def _retry_after(answer: requests.Response) -> float:
    """Seconds of `Retry-After`; what says nothing, or nothing that is one, is no wait."""
    try:
        return float(Retry().parse_retry_after(answer.headers.get("Retry-After", "0")))
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


def _bearer(role: str) -> dict[str, str]:
    token = setting(f"{role}_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _basic(role: str) -> tuple[str, str] | None:
    user = setting(f"{role}_USER")
    return (user, setting(f"{role}_PASSWORD")) if user else None


def _pause(attempt: int) -> float:
    """Full jitter, so that many clients do not come back at once."""
    return random.uniform(0, min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311 -- no secret
