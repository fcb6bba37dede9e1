"""What tests of the rendered Jobs share: KFP's authentication, and the manifests rendered once more."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import delivered
from delivered import Object
from kfpapi.stub import Answer, Seen, Stub
from project import Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]
AUDIENCE = "pipelines.kubeflow.org"


class Gate:
    """Stands before KFP as its authentication does, and takes one token at a time; each is good for so many requests.

    KFP asks Kubernetes for a TokenReview of the bearer token; what is not valid is 401. Requests come from several
    threads: the next token lies in the file before the last one is refused, and a request that was refused finds the
    token good that it reads then, as tokens live for minutes.
    """

    def __init__(self, kfp: str, uses: int = 10**9) -> None:
        self.kfp, self.uses, self.refused = kfp, uses, 0
        self._numbers = itertools.count(1)
        self._left = uses
        self._lock, self._again = threading.Lock(), Counter[tuple[str, str]]()
        self.token = self._next()
        self.rotate: Callable[[str], None] = lambda token: None
        self.stub = Stub(self._answer)

    def _next(self) -> str:
        return f"projected-token-{next(self._numbers)}"

    def _answer(self, request: Seen) -> Answer:
        with self._lock:
            if not self._takes(request):
                return Answer(401, b'{"code":16,"message":"Request header error: token is not valid"}')
        return _forward(self.kfp, request)

    def _takes(self, request: Seen) -> bool:
        what = (request.method, request.path)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self.refused += 1
            self._again[what] += 1
            return False
        self._left -= 1
        self._again -= Counter([what])
        if self._left <= 0 and not self._again:
            following = self._next()
            self.rotate(following)
            self.token, self._left = following, self.uses
        return True


def _forward(kfp: str, request: Seen) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(kfp).netloc, timeout=30)
    headers = {
        k: v for k, v in request.headers.items() if k not in ("host", "connection", "transfer-encoding")
    }
    connection.request(request.method, request.path, request.body, headers)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return Answer(reply.status, body, reply.headers.get("Content-Type", ""))


def rendered_again(repository: Path, command: Command) -> tuple[tuple[Object, ...], Object]:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    objects = tuple(kustomize_build(repository / "manifests/dev"))
    return objects, dict(delivered.pods(objects))["kfp-gitops-dev"]
