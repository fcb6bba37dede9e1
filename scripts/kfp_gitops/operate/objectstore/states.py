"""In which state data are in an S3 service: one request for an object, a bounded list for the keys below a prefix.

What a list shows may be late: Swift's lists are, those of caches before a store, and a list of many pages is none of
one moment. So of the key that it shows as newest the object itself is asked. An object that is gone by then leaves the
next one.

An etag is the content's MD5 after a simple upload, a digest of its parts and their number (`…-3`) after one in parts,
and neither where it is encrypted with a key of KMS. So it tells that the content is another one, also where the same
content was sent in other parts: a run too many, never one too few.
"""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.language.manifest.triggers import OnData
from kfp_gitops.operate.objectstore import client as clients
from kfp_gitops.reconcile.causes.seams import DataState

_PAGE, _MOST_PAGES = 1000, 20
"""Keys of a list's page, as many as S3 gives; and pages of one list: 20 requests a minute are enough for anybody."""
_CANDIDATES = 3
"""Of the keys that a list shows as newest so many are asked for."""
_AT_ONCE = 16
_SECONDS = 25.0
"""For all that is asked in one pass from its first question on, whatever a server does: passes come each minute."""
_ANSWER, _ATTEMPTS = 8.0, 2
"""Seconds for a piece of an answer, and how often a request is sent."""
_ETAG, _KEY = 200, 1024
"""Characters of an etag that are read: AWS's have 32 and a few; and bytes of a key, as many as S3 allows."""
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_UNSAID = frozenset({"301", "400", "403", "404"})
"""What answers HEAD has no body, and so no code but its status."""

_NO_S3 = "what answers speaks no S3; correct AWS_ENDPOINT_URL_S3"


class ObjectStates:
    """See reconcile.causes.seams.DataStates; of one pass. Threads look: a store that hangs holds nothing else."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._end = math.inf
        self._seconds = seconds
        self._found: dict[OnData, Future[DataState | None]] = {}
        self._left: deque[OnData] = deque()
        self._working = 0
        self._lock = threading.Lock()
        self._client: Any = None

    def now(self, on: OnData) -> DataState | None:
        """See DataStates."""
        found = self._begun(on)
        try:
            with clients.waited():
                return found.result(max(0.0, self._end - time.monotonic()))
        except TimeoutError as error:
            todo = "see whether the object store is well, and AWS_ENDPOINT_URL_S3 right"
            raise RemoteError(
                f"cannot look at {on.uri}: no whole answer within {self._seconds:.0f} s; {todo}"
            ) from error

    def _begun(self, on: OnData) -> Future[DataState | None]:
        with self._lock:
            self._end = min(self._end, time.monotonic() + self._seconds)
            if on not in self._found:
                self._found[on] = Future()
                self._left.append(on)
                if self._working < _AT_ONCE:
                    self._working += 1
                    threading.Thread(target=self._work, name="object store", daemon=True).start()
            return self._found[on]

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._left or time.monotonic() > self._end:
                    self._working -= 1
                    return
                on = self._left.popleft()
            try:
                self._found[on].set_result(_state(self._connected(on), on))
            except BaseException as error:  # whoever asks hears it
                self._found[on].set_exception(error)

    def _connected(self, on: OnData) -> Any:
        with self._lock:
            if self._client is None:
                self._client = clients.client(on.bucket, _ANSWER, _ATTEMPTS, _AT_ONCE)
            return self._client


def _state(client: Any, on: OnData) -> DataState | None:
    with clients.translated(f"cannot look at {on.uri}"):
        keys = [on.key] if on.changes == "etag" else _newest(client, on)
        return next((found for key in keys if (found := _object(client, on.bucket, key))), None)


def _object(client: Any, bucket: str, key: str) -> DataState | None:
    from botocore.exceptions import ClientError

    try:
        found = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if clients.code(error) in _UNSAID:
            _said_in_words(client, bucket, key, clients.code(error))
        if clients.code(error) in _ABSENT:
            return None
        raise
    etag = str(found.get("ETag", "")).removeprefix("W/").strip('"')
    if not 0 < len(etag) <= _ETAG:
        raise RemoteError(f"s3://{bucket}/{key} has no etag: {_NO_S3}")
    changed = found.get("LastModified")
    return DataState(f"s3://{bucket}/{key} {etag}", key, etag, _utc(changed) if changed else None)


def _said_in_words(client: Any, bucket: str, key: str, status: str) -> None:
    """Ask for what has a body: which of bucket, keys, region is wrong. Nothing is where that may be asked, and is well.

    S3 answers HEAD of what is not there with 404 to those who may list the bucket, and with 403 to others; other
    services say 404 to all.
    """
    from botocore.exceptions import ClientError

    try:
        client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except ClientError as error:
        if status in _ABSENT and clients.code(error) == "AccessDenied":
            return
        raise


def _newest(client: Any, on: OnData) -> list[str]:
    """The keys that were modified last, the newest first; of the same second the greatest. Folders are no data."""
    shown = (_shown(item, on) for item in _listed(client, on))
    newest = heapq.nlargest(_CANDIDATES, (item for item in shown if not item[1].endswith("/")))
    return [key for _, key in newest]


def _shown(item: Mapping[str, Any], on: OnData) -> tuple[datetime, str]:
    """When a key was modified. What a list holds is the store's word: a key that was not asked for is none of it."""
    changed, key = item.get("LastModified"), str(item.get("Key", ""))
    if changed is None or not key.startswith(on.key) or len(key.encode()) > _KEY:
        raise RemoteError(f"cannot look at {on.uri}: {_NO_S3}")
    return _utc(changed), key


def _listed(client: Any, on: OnData) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        page = client.list_objects_v2(Bucket=on.bucket, Prefix=on.key, MaxKeys=_PAGE, **more)
        if "Name" not in page:  # a page to log in, say, which is no list that is empty
            raise RemoteError(f"cannot look at {on.uri}: {_NO_S3}")
        found = page.get("Contents", [])
        yield from found
        if not page.get("IsTruncated") or not found:
            return
        token = page.get("NextContinuationToken")
        more = {"ContinuationToken": token} if token else {"StartAfter": found[-1]["Key"]}
    todo = "write a longer prefix, or `changes: etag` of one object that is put there last"
    raise RemoteError(f"cannot look at {on.uri}: more than {_MOST_PAGES * _PAGE:,} objects; {todo}")


def _utc(moment: datetime) -> datetime:
    """An instant of either end of all time has none in UTC: it is no instant of a store's."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise RemoteError(f"{moment} is when nothing was modified: {_NO_S3}") from error
