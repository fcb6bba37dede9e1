"""Texts that are kept for later, and of which there are thousands: packed, each by itself."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

_LEVEL = 1  # an IR becomes a quarter of it; more takes twice the time for little
_LEVEL_ALIKE = 6  # of what is mostly found in the dictionary it takes no time, and gives a third less
_DICTIONARY = 32_768  # bytes: as far as zlib looks back


@dataclass(frozen=True, slots=True)
class Packed:
    """A text; `str` gives it back."""

    content: bytes

    @classmethod
    def of(cls, text: str) -> Packed:
        """Packed."""
        return cls(zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL))

    def __str__(self) -> str:
        return zlib.decompress(self.content).decode("utf-8", "surrogatepass")


class Alike:
    """Packs texts that resemble one another: each is told by what it shares with the first, in a tenth of it."""

    def __init__(self) -> None:
        self._first = b""

    def pack(self, text: str) -> bytes:
        """To be unpacked by this very one."""
        content = text.encode("utf-8", "surrogatepass")
        self._first = self._first or content[:_DICTIONARY]
        packer = zlib.compressobj(_LEVEL_ALIKE, zdict=self._first)
        return packer.compress(content) + packer.flush()

    def unpack(self, content: bytes) -> str:
        """The text."""
        return zlib.decompressobj(zdict=self._first).decompress(content).decode("utf-8", "surrogatepass")
