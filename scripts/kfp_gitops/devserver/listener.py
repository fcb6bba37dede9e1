"""The listening socket, a thread for each connection, and an end that leaves none of them behind."""

from __future__ import annotations

import contextlib
import errno
import socket
import socketserver
import sys
import threading
from http.server import ThreadingHTTPServer

from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.connection import Connection
from kfp_gitops.devserver.errors import StartError
from kfp_gitops.devserver.faults import Faults
from kfp_gitops.devserver.guard import Door, reachable


class Listener(ThreadingHTTPServer):
    """Serves one app on one address."""

    daemon_threads = False  # so that closing waits for the requests under way
    request_queue_size = 64

    def __init__(self, door: Door, app: App, faults: Faults) -> None:
        self.app, self.faults = app, faults
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in door.address else socket.AF_INET
        try:
            super().__init__((door.address, door.port), Connection)
        except (OSError, OverflowError) as error:
            busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            raise StartError(
                f"port {door.port}: {'already in use; choose another by --port' if busy else error}"
            ) from error
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="listener", daemon=True)

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of the host's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        name = reachable(self.server_name)
        return f"http://{f'[{name}]' if ':' in name else name}:{self.server_port}"

    def start(self) -> None:
        self._thread.start()

    def track(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.discard(connection)

    def close(self) -> None:
        """Stop listening, break what is open, wait for its threads."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error of the server."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as the base class calls it
