"""Requests to KFP below the official client: credentials, time limits, concurrency, and every failure as ours.

Facts of the client (kfp-server-api 2.17): a float timeout is silently ignored; urllib3 follows a redirect to a
login page and sends a read again without a pause; an error without a body is an AttributeError.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import urllib3

from kfp_gitops.base import redact, replies, stopping, waiting
from kfp_gitops.base.errors import DeniedError, GarbledError, RemoteError, TemporaryError, TooLargeError
from kfp_gitops.kfpserver.kfpapi import failures, plausible
from kfp_gitops.kfpserver.kfpapi.access import Access, proxy
from kfp_gitops.kfpserver.kfpapi.budget import Budget
from kfp_gitops.kfpserver.kfpapi.clock import ServerClock, heard
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
from kfp_gitops.kfpserver.kfpapi.told import Told

T = TypeVar("T")
U = TypeVar("U")

CONCURRENCY = 48
"""Requests under way at once; also how many connections are kept. For each KFP opens a connection to its database
(client_manager.go sets no maximum), of which MySQL allows 151 unless it is told otherwise."""
_CONNECT, _REQUEST = 10.0, 60.0
"""Seconds to connect, and for a whole request, from the first byte that is sent to the last one of its reply."""
_LEAST = 0.01
"""Seconds that a request has though its time is over: the client takes no less."""
_LOGIN = (
    "this is a login page or a proxy's page; give a token (--token-file, KFP_TOKEN) or cookies "
    "(--cookies-file), or reach the API past the login with kubectl port-forward"
)


def _configuration(host: str, access: Access) -> Any:
    """The official client's settings for a host."""
    found = kfp_server_api.Configuration(host=host)
    found.ssl_ca_cert = str(access.ca_file) if access.ca_file else None
    found.connection_pool_maxsize = CONCURRENCY
    found.proxy = proxy(host)
    # False: the first failure is told as it is, and a redirect is an answer, not a way to go.
    found.retries = urllib3.Retry(False)
    # A server newer than the client may have states that it does not know.
    found.client_side_validation = False
    return found


class Transport(kfp_server_api.rest.RESTClientObject):  # type: ignore[misc]  # the client has no types
    """In the place of the official client's own: threads may share it."""

    def __init__(self, host: str, access: Access, budget: Budget, then: str = "") -> None:
        """`then`: what comes when a request was not answered, for those who wait."""
        super().__init__(_configuration(host, access))
        self.pool_manager: Any = replies.Requests(self.pool_manager)
        stopping.listen()
        self._host, self._access, self._budget, self._then = host, access, budget, then
        self._slots = threading.BoundedSemaphore(CONCURRENCY)
        self._counted, self._counting = 0, threading.Lock()
        self.clock = ServerClock()

    @property
    def sent(self) -> int:
        """How many requests were sent so far, those without an answer among them."""
        return self._counted

    def request(
        self, method: str, url: str, *args: Any, headers: dict[str, str] | None = None, **more: Any
    ) -> Any:
        """Send one request, once; with a token that was renewed meanwhile a second time.

        Raises:
            RemoteError: whatever went wrong.
        """
        sent = self._access.headers()
        try:
            return self._send(method, url, *args, headers={**(headers or {}), **sent}, **more)
        except DeniedError as error:
            renewed = self._access.headers()
            if error.status != 401 or renewed == sent:
                raise
            return self._send(method, url, *args, headers={**(headers or {}), **renewed}, **more)

    def _send(self, *args: Any, **more: Any) -> Any:
        with self._slots:
            seconds = min(_REQUEST, self._budget.left(self._host), max(replies.left(), _LEAST))
            with self._counting:
                self._counted += 1
            asked = time.monotonic()
            then = self._then if seconds >= _REQUEST else ""
            limits = {"_request_timeout": (min(_CONNECT, seconds), seconds)}
            with replies.within(seconds), waiting.on(f"KFP at {self._host}", seconds, then):
                reply = self._reply(*args, **{**more, **limits})
        self._budget.heard()
        self.clock.hear(reply.getheader("Date"), asked)
        if _is_page(reply.getheader("Content-Type"), reply.data):
            raise DeniedError(f"{self._host}: answered with a web page, not as KFP's API: {_LOGIN}", 200)
        return reply

    def stream(self, url: str, sink: Callable[[bytes], None]) -> None:
        """Hand on the body of a reply piece by piece: a log may be longer than what is kept of a reply.

        It may take as long as the command may; 60 s without a byte end it.

        Raises:
            RemoteError: whatever went wrong.
        """
        left = self._budget.left(self._host)
        with self._slots, replies.within(left), ExitStack() as opened:
            with self._counting:
                self._counted += 1
            try:
                patience = urllib3.Timeout(connect=_CONNECT, read=_REQUEST)
                headers = self._access.headers()
                with waiting.on(f"KFP at {self._host}", min(_REQUEST, left)):
                    asked = self.pool_manager.streamed("GET", url, headers=headers, timeout=patience)
                    reply = opened.enter_context(asked)
                self._hand_on(reply, sink)
            except urllib3.exceptions.SSLError as error:
                raise self._untrusted(error) from None
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise self._silent(error, _REQUEST) from None

    def _hand_on(self, reply: Any, sink: Callable[[bytes], None]) -> None:
        if reply.status != 200:
            body = replies.whole(reply)
            raise self._refusal(
                SimpleNamespace(status=reply.status, headers=reply.headers, body=body, reason=reply.reason)
            )
        for number, part in enumerate(replies.pieces(reply)):
            if not number and _is_page(None, part):
                raise DeniedError(f"{self._host}: answered with a web page, not with a log: {_LOGIN}", 200)
            sink(part)

    def _reply(self, *args: Any, **more: Any) -> Any:
        try:
            return super().request(*args, **more)
        except kfp_server_api.ApiException as error:
            raise self._refusal(error) from None
        except urllib3.exceptions.SSLError as error:
            raise self._untrusted(error) from None
        except replies.TooLarge as error:
            raise TooLargeError(f"{self._host}: {error}; {plausible.ANOTHER}") from None
        except urllib3.exceptions.DecodeError as error:
            said = self._clean(_first_line(error))
            raise GarbledError(
                f"{self._host}: what it sent cannot be unpacked: {said}; {plausible.ANOTHER}"
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._silent(error, more["_request_timeout"][1]) from None

    def understood(self, text: str | bytes, model: Any) -> dict[str, Any]:
        """The JSON object of a reply that may be KFP's.

        Raises:
            GarbledError: somebody else answered, or it was changed on its way.
        """
        found = plausible.read(text)
        why = found if isinstance(found, str) else plausible.why_not(found, model)
        if isinstance(found, str) or why:
            said = self._clean(why)
            raise GarbledError(f"{self._host}: answered what KFP's API does not: {said}; {plausible.ANOTHER}")
        return found

    def _silent(self, error: Exception, seconds: float) -> RemoteError:
        if replies.left() > 0:
            said = self._clean(failures.unreachable(error) or _first_line(error))
            return failures.of_connection(error, self._host, said)
        never_made = isinstance(error, urllib3.exceptions.ConnectTimeoutError)
        if never_made or self._budget.over:
            said = self._budget.said if self._budget.over else failures.unreachable(error) or ""
            return TemporaryError(
                f"{self._host}: {said}", pending=not never_made, untouched=never_made, reason=said
            )
        said = f"its reply was not here whole after {seconds:.3g} s"
        todo = "look into the load of KFP, its database and what stands before it"
        return TemporaryError(f"{self._host}: {said}; {todo}", pending=True, reason=said)

    def _refusal(self, error: Any) -> RemoteError:
        if not error.status:  # the client's own form of an SSLError
            return self._untrusted(error)
        headers = error.headers or {}
        page = _is_page(headers.get("Content-Type"), error.body)
        if 300 <= error.status < 400 or (page and error.status in (401, 403)):
            what = f"HTTP {error.status}: sent on to a web page" if error.status < 400 else "asks to log in"
            return DeniedError(f"{self._host}: {what}: {_LOGIN}", error.status)
        told = self._clean(failures.message(error.body))
        said = "a web page instead of a reply of KFP's API" if page else told[:500]
        text = f"{self._host}: HTTP {error.status}: {said or error.reason}"
        if page and error.status == 404:  # of a server that is no KFP: nothing is known of the object
            return RemoteError(f"{text}; is this the address of KFP's API?")
        after = _seconds(headers.get("Retry-After"))
        return failures.of_reply(error.status, told, text, after, self._access.described)

    def _untrusted(self, error: Exception) -> RemoteError:
        said = self._clean(" ".join(str(error).split()))[:300]
        if "[Errno 2]" in said:  # a kubelet that swaps the folder removes the old one
            return TemporaryError(f"{self._host}: {self._access.ca_file} is there no more, or not yet")
        mend = "give the certificate authority of the host with --ca-file"
        if "WRONG_VERSION_NUMBER" in said:
            mend = "this port does not speak TLS; write http://"
        return RemoteError(f"{self._host}: TLS: {said}; {mend}")

    def _clean(self, text: str) -> str:
        return redact.text(text, self._access.secrets())


def each(work: Callable[[T], U], items: Iterable[T]) -> list[U]:
    """The results for all items in their order, with as many requests at once as are allowed.

    The first failure is raised; what has not begun by then is not begun.
    """
    with at_once() as pool:
        futures = [pool.submit(work, item) for item in items]
        return [future.result() for future in futures]


@contextmanager
def at_once() -> Iterator[ThreadPoolExecutor]:
    """Makes as many requests at once as are allowed; what has not begun when this ends is not begun."""
    pool = ThreadPoolExecutor(CONCURRENCY)
    try:
        yield pool
    finally:
        # A process that shall end waits for no answer.
        pool.shutdown(wait=not stopping.asked(), cancel_futures=True)


class _Client(kfp_server_api.ApiClient):  # type: ignore[misc]  # the client has no types
    def deserialize(self, response: Any, response_type: Any) -> Any:
        """The original makes an empty list of whatever is no JSON object, and so of a cut-off reply."""
        model = getattr(kfp_server_api, str(response_type), None)
        return Told(self.rest_client.understood(response.data, model))


class Services:
    """The official client's services on one transport."""

    def __init__(self, host: str, access: Access, budget: Budget, then: str = "") -> None:
        client = _Client(_configuration(host, access))
        client.rest_client = transport = Transport(host, access, budget, then)
        self.clock = transport.clock
        self.pipelines = kfp_server_api.PipelineServiceApi(client)
        self.pipeline_uploads = kfp_server_api.PipelineUploadServiceApi(client)
        self.experiments = kfp_server_api.ExperimentServiceApi(client)
        self.recurring_runs = kfp_server_api.RecurringRunServiceApi(client)
        self.runs = kfp_server_api.RunServiceApi(client)
        self._rest, self._host = transport, host

    @property
    def sent(self) -> int:
        """How many requests were sent so far."""
        return self._rest.sent

    def health(self) -> tuple[dict[str, Any], datetime | None]:
        """What /healthz says, and the server's time. Not by the client, which drops the version: main.go adds it."""
        reply = self._rest.GET(f"{self._host}/apis/v2beta1/healthz")
        return self._rest.understood(reply.data, plausible.Health), heard(reply.getheader("Date"))

    def stream(self, path: str, sink: Callable[[bytes], None]) -> None:
        """Hand on what is at a path, piece by piece."""
        self._rest.stream(f"{self._host}{path}", sink)


def _is_page(content_type: str | None, body: object) -> bool:
    start = body[:200] if isinstance(body, str | bytes) else b""
    text = start.decode("utf-8", "replace") if isinstance(start, bytes) else start
    is_html = (content_type or "").partition(";")[0].strip().lower() == "text/html"
    return is_html or text.lstrip().lower().startswith(("<!doctype html", "<html"))


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; what is no such header says nothing."""
    try:
        return float(urllib3.util.Retry().parse_retry_after(retry_after)) if retry_after else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
