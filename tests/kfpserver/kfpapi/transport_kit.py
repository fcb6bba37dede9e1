"""An API in front of a stub that fails as it was told to, and a backoff that does not wait."""

from __future__ import annotations

from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfpapi.stub import Answer, Seen, Stub

NO_ONE = Access()
LOGIN = Answer(200, b"<!DOCTYPE html><html><body>Log in</body></html>", "text/html; charset=utf-8")


class Waits:
    """A backoff that remembers how long it was told to wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.backoff = Backoff(tries=5, sleep=self.seconds.append)


def failing(*statuses: int, **headers: str) -> Stub:
    """Answers these first, then success."""
    left = list(statuses)

    def answer(_request: Seen) -> Answer:
        if not left:
            return Answer()
        return Answer(
            left.pop(0), b'{"message": "busy"}', headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return Stub(answer)


def api_of(stub: Stub, who: Access = NO_ONE, waits: Waits | None = None) -> KfpApi:
    return KfpApi(stub.url, "", who, (waits or Waits()).backoff)
