"""A registry of images, as far as one artifact needs it: push an image, and pull it by its digest.

OCI distribution spec 1.1 over HTTP: `GET /v2/…` answers 401 with who gives tokens; a blob is uploaded with one POST and
one PUT, and a manifest after what it names. All is asked for by digest, and what comes is hashed: a registry that was
broken into can withhold, not deceive.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from kfp_gitops.base import redact, replies, ustar, waiting
from kfp_gitops.base.errors import DeniedError, GarbledError, InputError, RemoteError, UsageError
from kfp_gitops.base.oci import INDEX, LAYER, MANIFEST, Blob, Image
from kfp_gitops.base.ustar import BadArchiveError
from kfp_gitops.kfpserver.kfpapi.budget import Budget

_REFERENCE = re.compile(
    r"(?P<host>[a-z0-9.-]+(?::\d+)?)/(?P<name>[a-z0-9._/-]+)@(?P<digest>sha256:[0-9a-f]{64})"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONNECT, _SECONDS = 10.0, 300.0
"""Seconds to connect, and for all of a reply to what is sent at once; to a layer until its first byte, for a registry
hashes one before it answers."""
_REDIRECTS = urllib3.Retry(connect=0, read=0, status=0, redirect=3)
"""To where blobs are stored: urllib3 takes no Authorization along to another host."""
_MANIFEST_BYTES, _LAYER_BYTES, _FILES = 1 << 20, 1 << 29, 200_000
_LOGIN = "log in first: `docker login` (or podman, crane, oras), which writes ~/.docker/config.json"


def tag(digest: str) -> str:
    """A name of the image beside its digest: registries delete by and by what has none."""
    return f"content-{digest.removeprefix('sha256:')[:20]}"


@dataclass
class Registry:
    """One repository of a registry; speaks plain HTTP to this machine alone."""

    host: str
    name: str
    budget: Budget = field(default_factory=Budget)
    """How long it may be spoken to."""
    _http: Any = field(default_factory=lambda: replies.timed(urllib3.PoolManager(retries=False)))
    _authorization: str = field(default="", repr=False)

    @classmethod
    def of(cls, reference: str, budget: Budget | None = None) -> tuple[Registry, str]:
        """And the digest that a reference names.

        Raises:
            UsageError: it names none, or no registry.
        """
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise UsageError(f"{reference!r} is no REGISTRY/NAME@sha256:…")
        return cls(found["host"], found["name"], budget or Budget()), found["digest"]

    def push(self, image: Image) -> None:
        """All that is not there yet; a manifest after what it names.

        Raises:
            RemoteError: the registry does not take it.
        """
        for blob in image.blobs():
            self._push_blob(blob)
        named = [(found.digest, found) for found in image.manifests.values()]
        for name, manifest in [*named, (tag(image.digest), image.index)]:
            headers = {"Content-Type": manifest.kind}
            self._call("PUT", f"manifests/{name}", (201,), headers, manifest.content)
        if not self.has(image.digest):
            raise GarbledError(f"{self.host}: took {image.digest}, and does not have it")

    def has(self, digest: str) -> bool:
        """Whether an index of that digest is there."""
        reply = self._call("HEAD", f"manifests/{digest}", (200, 404), {"Accept": INDEX})
        return bool(reply.status == 200)

    def pull(self, digest: str) -> dict[str, bytes]:
        """Path → bytes of what an image holds that `push` pushed.

        Raises:
            RemoteError: it is not there, or the registry gives something else.
            InputError: it is no image of ours.
        """
        index = self._json(digest, INDEX)
        manifest = self._json(_named(index, "manifests"), MANIFEST)
        content = self._get(f"blobs/{_named(manifest, 'layers', LAYER)}", LAYER, _LAYER_BYTES)
        try:
            return ustar.read(content, _FILES, folders=True)
        except BadArchiveError as error:
            raise InputError.of(f"{self.host}/{self.name}@{digest}", str(error), "push it again") from None

    def _push_blob(self, blob: Blob) -> None:
        if self._call("HEAD", f"blobs/{blob.digest}", (200, 404)).status == 200:
            return
        begun = self._call("POST", "blobs/uploads/", (202,), {"Content-Length": "0"})
        there = urljoin(self._url("blobs/uploads/"), begun.headers.get("Location", ""))
        if urlsplit(there)[:2] != urlsplit(self._url(""))[:2]:  # nor without TLS: the password goes along
            where = f"{urlsplit(there).scheme}://{urlsplit(there).netloc}"
            raise GarbledError(f"{self.host}: wants the upload elsewhere: {where}")
        there += ("&" if urlsplit(there).query else "?") + urlencode({"digest": blob.digest})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
        self._call("PUT", there, (201,), headers, blob.pieces())

    def _json(self, digest: str, kind: str) -> Any:
        try:
            return json.loads(self._get(f"manifests/{digest}", kind, _MANIFEST_BYTES))
        except ValueError:
            raise InputError.of(f"{self.host}/{self.name}@{digest}", "no JSON", "push it again") from None

    def _get(self, path: str, kind: str, most: int) -> bytes:
        """Content by the digest at the end of its path, hashed."""
        reply = self._call("GET", path, (200,), {"Accept": kind}, most=most)
        digest = f"sha256:{hashlib.sha256(reply.data).hexdigest()}"
        if not path.endswith(f"/{digest}"):
            raise GarbledError(f"{self.host}: gives {digest} for {path}")
        found: bytes = reply.data
        return found

    def _url(self, path: str) -> str:
        scheme = "http" if urlsplit(f"//{self.host}").hostname in _LOOPBACK else "https"
        return urljoin(f"{scheme}://{self.host}/v2/{self.name}/", path)

    def _call(
        self,
        method: str,
        path: str,
        good: tuple[int, ...],
        headers: Mapping[str, str] = {},
        body: Any = None,
        most: int = _MANIFEST_BYTES,
    ) -> Any:
        """One request; the first that needs a token gets one, and is sent again. No body is sent twice."""
        if not self._authorization and method in ("HEAD", "POST", "GET"):
            first = self._request(method, path, headers, None, most)
            if first.status != 401:
                return self._checked(first, method, path, good)
            self._authorization = self._login(first.headers.get("WWW-Authenticate", ""))
        return self._checked(self._request(method, path, headers, body, most), method, path, good)

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: Any, most: int) -> Any:
        sent = {**headers, **({"Authorization": self._authorization} if self._authorization else {})}
        try:
            with self._waited(_SECONDS if body is None else math.inf) as seconds:
                reply = self._http.request(
                    method,
                    self._url(path),
                    headers=sent,
                    body=body,
                    retries=_REDIRECTS if method == "GET" else False,
                    preload_content=False,
                    timeout=_timeout(seconds),
                )
                data = reply.read(most + 1)
                reply.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise RemoteError(f"{self.host}: {self._said(error)}") from None
        if len(data) > most:
            raise GarbledError(f"{self.host}: {path} has more than {most} bytes")
        return _Reply(reply.status, reply.headers, data)

    @contextmanager
    def _waited(self, most: float = _SECONDS) -> Iterator[float]:
        """Within, all of a reply must be here in the seconds that are given."""
        seconds = min(most, self.budget.left(self.host))
        with replies.within(seconds), waiting.on(f"the registry {self.host}", seconds):
            yield seconds

    def _said(self, error: Exception) -> str:
        return self.budget.said if self.budget.over else redact.text(str(error))

    def _checked(self, reply: Any, method: str, path: str, good: tuple[int, ...]) -> Any:
        if reply.status in (401, 403):
            what = f"{method} of {self.name} is not allowed ({reply.status})"
            raise DeniedError(f"{self.host}: {what}; {_LOGIN}", reply.status)
        if reply.status not in good:
            said = reply.data[:200].decode("utf-8", "replace").strip()
            raise RemoteError(f"{self.host}: {method} {urlsplit(path).path}: HTTP {reply.status} {said}")
        return reply

    def _login(self, challenge: str) -> str:
        """What goes into `Authorization`, as the registry wants it."""
        kind, _, rest = challenge.partition(" ")
        secret = _credentials(self.host)
        basic = f"Basic {secret}" if secret else ""
        if kind.lower() != "bearer":
            if not basic:
                raise DeniedError(f"{self.host}: it wants to know who asks; {_LOGIN}", 401)
            return basic
        said = dict(_CHALLENGE.findall(rest))
        realm = urlsplit(said.get("realm", ""))
        if realm.scheme != "https" and realm.hostname not in _LOOPBACK:
            raise GarbledError(f"{self.host}: names no safe place to log in")
        asked = {"service": said.get("service", ""), "scope": f"repository:{self.name}:pull,push"}
        return f"Bearer {self._token(f'{realm.geturl()}?{urlencode(asked)}', basic)}"

    def _token(self, url: str, basic: str) -> str:
        try:
            headers = {"Authorization": basic} if basic else {}
            with self._waited() as seconds:
                reply = self._http.request(
                    "GET", url, headers=headers, redirect=False, timeout=_timeout(seconds)
                )
            found = json.loads(reply.data) if reply.status == 200 else {}
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise RemoteError(f"{self.host}: no token: {self._said(error)}") from None
        token = str(found.get("token") or found.get("access_token") or "")
        if not token:
            raise DeniedError(f"{self.host}: gives no token ({reply.status}); {_LOGIN}", 401)
        redact.learn(token)
        return token


def _timeout(seconds: float) -> urllib3.Timeout:
    return urllib3.Timeout(connect=min(_CONNECT, seconds), read=min(_SECONDS, seconds))


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    data: bytes


def _named(found: Any, key: str, kind: str = "") -> str:
    """The digest of the first thing that a manifest names."""
    entries = found.get(key) if isinstance(found, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    digest = first.get("digest") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(digest, str) or kind not in ("", first.get("mediaType")):
        raise InputError.of("the artifact", f"names no {key} as artifact.py pushes them", "push it again")
    return digest


def _credentials(host: str) -> str:
    """User and password of a registry in base64, as `docker login` keeps them; nothing where there are none."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        found = json.loads((folder / "config.json").read_text("utf-8"))
        entry = found.get("auths", {}).get(host, {})
    except (OSError, ValueError, AttributeError):
        return ""
    secret = str(entry.get("auth", "")) if isinstance(entry, dict) else ""
    if secret:
        redact.learn(secret)
        redact.learn(base64.b64decode(secret, validate=False).decode("utf-8", "replace").partition(":")[2])
    return secret
