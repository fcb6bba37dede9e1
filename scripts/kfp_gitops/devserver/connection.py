"""HTTP/1.1 on a connection: reads requests, bounded, and writes replies."""

from __future__ import annotations

import contextlib
import socket
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Protocol, cast
from urllib.parse import parse_qsl, urlsplit

from kfp_gitops.devserver import ghosts, service
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.errors import ApiError, LengthRequiredError, MalformedError, TooLargeError
from kfp_gitops.devserver.faults import Fault, Faults, Logged, Trouble
from kfp_gitops.devserver.http import Reply, Request, failure
from kfp_gitops.devserver.limits import UPLOAD_BYTES

_MESSAGE_BYTES = 8 << 20
_UPLOAD_MARGIN = 1 << 20
"""Above the file itself: its multipart frame, and room to answer a file that is a little too large."""


class Accepting(Protocol):
    """What a connection asks of the listening socket that accepted it."""

    app: App
    faults: Faults

    def track(self, connection: socket.socket) -> None: ...
    def forget(self, connection: socket.socket) -> None: ...


class Connection(BaseHTTPRequestHandler):
    """One client; keep-alive until it is silent for a while."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # so that also an unreadable request is answered with a status line
    server_version = "kfp-gitops-devserver"
    sys_version = ""
    timeout = 30
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._listener.track(self.connection)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self._listener.forget(self.connection)

    def do_GET(self) -> None:
        try:
            request = self._read()
        except ApiError as error:
            self.close_connection = True  # what was not read is still on its way
            self._send(failure(error))
            return
        self._serve(request)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 the base class's names

    @property
    def _listener(self) -> Accepting:
        return cast("Accepting", self.server)

    def _read(self) -> Request:
        try:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100))
        except ValueError as error:
            raise MalformedError(f"the address cannot be read: {error}") from error
        content_type = self.headers.get("Content-Type", "")
        body, authorization = self._body(parts.path), self.headers.get("Authorization", "")
        return Request(self.command, parts.path, query, body, content_type, authorization)

    def _body(self, path: str) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise LengthRequiredError("chunked bodies are not read; send a Content-Length")
        text = self.headers.get("Content-Length", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise MalformedError(f"Content-Length: {text!r:.40} is not a length")
        limit = UPLOAD_BYTES + _UPLOAD_MARGIN if "/pipelines/upload" in path else _MESSAGE_BYTES
        if int(text) > limit:
            raise TooLargeError(f"the body has {text} bytes; at most {limit} are read")
        return self.rfile.read(int(text))

    def _serve(self, request: Request) -> None:
        self._listener.faults.pace(request.method, request.path)
        fault = self._listener.faults.claim(request.method, request.path)
        if fault and fault.trouble is Trouble.DELAY:
            time.sleep(fault.seconds)
        if fault and fault.trouble is Trouble.DROP_BEFORE:
            self._log(request, 0, delivered=False)
            self._drop()
            return
        self._deliver(request, self._reply(request, fault), fault)

    def _reply(self, request: Request, fault: Fault | None) -> Reply:
        if fault and fault.trouble is Trouble.ANSWER:
            error = ApiError(f"fault on order: {fault.status}")
            error.status, error.code = fault.status, 14
            return failure(error)
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        reply = service.answer(self._listener.app, request, host, origin)
        hidden = fault is not None and fault.trouble is Trouble.HIDDEN
        return ghosts.hide(self._listener.app, reply) if hidden else reply

    def _deliver(self, request: Request, reply: Reply, fault: Fault | None) -> None:
        dropped = fault is not None and fault.trouble is Trouble.DROP_AFTER
        self._log(request, reply.status, delivered=not dropped)
        if dropped:
            self._drop()
        else:
            self._send(reply)

    def _log(self, request: Request, status: int, *, delivered: bool) -> None:
        query = urlsplit(self.path).query
        self._listener.faults.log(Logged(request.method, request.path, query, status, delivered))

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            **reply.headers,
            **({"Connection": "close"} if self.close_connection else {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of every reply, by the server's clock; Go's net/http gives one, too."""
        told = self._listener.app.clock.now() if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
        return format_datetime(told, usegmt=True)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002  # as its base
        """What the base class refuses itself (a broken request line, an unknown method), as JSON too."""
        self.close_connection = True
        error = ApiError(message or "bad request")
        error.status, error.code = int(code), 3
        reply = failure(error)
        self._send(Reply(reply.status, b"" if self.command == "HEAD" else reply.body))

    def log_message(self, format: str, *args: object) -> None:
        """Quiet; the log for tests is in `faults`."""
