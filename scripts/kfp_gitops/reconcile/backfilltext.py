"""What is kept of the backfills of an environment as one part of a lock's text, and back; bounded. Pure."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from kfp_gitops.reconcile import backfills
from kfp_gitops.reconcile.locking import parted
from kfp_gitops.reconcile.locking.parted import Keeping, Part

BEGIN = "backfills1 "
MOST = 40_000
"""Characters: beside what is kept of triggers an object's annotations have room for so many."""
_MOST_READ = 1 << 22
"""Bytes that a text may unpack to."""


@dataclass(frozen=True)
class InLock:
    """Kept in a lock, beside whatever else it keeps."""

    lock: Keeping

    def read(self) -> Mapping[str, str]:
        """Id → what is kept of it."""
        return read(self.lock.kept)

    def keep(self, backfill: str, text: str) -> None:
        """Kept for good when it returns; an empty text forgets it."""
        found = {key: one for key, one in self.read().items() if key != backfill}
        Part(self.lock, BEGIN).keep_text(_text({**found, **({backfill: text} if text else {})}))


def _text(found: Mapping[str, str]) -> str:
    """Of more than there is room for what is finished is forgotten, for a note on the server says so; then all of the
    longest, for what has run is found by its name."""
    left = dict(found)
    while len(text := _packed(left)) > MOST:
        ended = [key for key, one in left.items() if (its := backfills.read(one)) and its.finished]
        del left[min(ended) if ended else max(left, key=lambda key: len(left[key]))]
    return text


def _packed(found: Mapping[str, str]) -> str:
    if not found:
        return ""
    return BEGIN + base64.b64encode(zlib.compress(json.dumps(found, sort_keys=True).encode(), 9)).decode()


def read(text: str) -> dict[str, str]:
    """Id → what is kept of it; nothing of what is no such text: somebody edited it, and none of it is believed."""
    part = parted.of(text, BEGIN)
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(base64.b64decode(part.removeprefix(BEGIN), validate=True), _MOST_READ)
        found = json.loads(plain) if part and unpacker.eof else {}
        return {str(key): str(one) for key, one in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, zlib.error):
        return {}
