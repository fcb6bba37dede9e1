"""gRPC-web: one message there and one back, each behind five bytes, in an HTTP POST. Pure.

As in «gRPC Web» of grpc/grpc (doc/PROTOCOL-WEB.md): a flag of one byte and a length of four, big-endian; the flag 0x80
marks the trailers, which are lines of a header. A failure may have its trailers in the reply's headers instead. What
KFP has before its store is Envoy's filter of this (metadata-envoy-configmap.yaml of its manifests).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

HEADERS: Mapping[str, str] = {
    "Content-Type": "application/grpc-web+proto", "Accept": "application/grpc-web+proto", "X-Grpc-Web": "1",
}  # fmt: skip
_HEAD = 5
_DIGITS = 9
"""Of a status; of very many digits Python makes no number (sys.set_int_max_str_digits)."""
_PACKED, _TRAILERS = 0x01, 0x80


class NoFramesError(ValueError):
    """What came is not gRPC-web."""


def framed(message: bytes, flag: int = 0) -> bytes:
    """A message as it is sent."""
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def unframed(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The message of a reply, empty where there is none, and its trailers, in small letters.

    Raises:
        NoFramesError: it is cut off, or something else.
    """
    messages, trailers, at = [], dict[str, str](), 0
    while at < len(body):
        flag, size = body[at], int.from_bytes(body[at + 1 : at + _HEAD], "big")
        frame = body[at + _HEAD : at + _HEAD + size]
        if len(body) < at + _HEAD or len(frame) < size or flag & ~(_TRAILERS | _PACKED):
            raise NoFramesError(f"{len(body)} bytes that are no frames of gRPC-web")
        if flag & _PACKED:
            raise NoFramesError("a packed frame, which nobody asked for")
        if flag & _TRAILERS:
            trailers |= _lines(frame)
        else:
            messages.append(frame)
        at += _HEAD + size
    if len(messages) > 1:
        raise NoFramesError(f"{len(messages)} messages in the place of one")
    return (messages[0] if messages else b""), trailers


def _lines(frame: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in frame.decode("latin-1").splitlines())
    return {name.strip().lower(): text.strip() for name, _, text in pairs if name.strip()}


def status(trailers: Mapping[str, str]) -> tuple[int | None, str]:
    """The gRPC status, None where none is told, and what is said of it."""
    text = trailers.get("grpc-status") or ""
    said = unquote(trailers.get("grpc-message") or "")
    whole = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return (int(text) if whole else None), " ".join(said.split())
