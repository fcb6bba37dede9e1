"""Protobuf on the wire, as far as ML Metadata's few messages need it, and the frames of gRPC-web around them.

By hand, from the encoding's own description: as a witness it shares nothing with the client that is tested against it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

_VARINT, _DOUBLE, _BYTES = 0, 1, 2
TRAILERS = 0x80


def number(field: int, value: int) -> bytes:
    """An integer; a negative one is written in ten bytes."""
    return _varint(field << 3 | _VARINT) + _varint(value % (1 << 64))


def double(field: int, value: float) -> bytes:
    return _varint(field << 3 | _DOUBLE) + struct.pack("<d", value)


def text(field: int, value: str) -> bytes:
    return message(field, value.encode("utf-8", "replace"))


def message(field: int, *parts: bytes) -> bytes:
    """A message, or bytes, within another one."""
    body = b"".join(parts)
    return _varint(field << 3 | _BYTES) + _varint(len(body)) + body


def entry(field: int, key: str, value: bytes) -> bytes:
    """One of a map, whose values are messages."""
    return message(field, text(1, key), message(2, value))


def json_struct(found: Mapping[str, Any]) -> bytes:
    """google.protobuf.Struct."""
    return b"".join(entry(1, key, json_value(value)) for key, value in found.items())


def json_value(found: Any) -> bytes:
    """google.protobuf.Value: null, number, text, bool, Struct, list."""
    match found:
        case None:
            return number(1, 0)
        case bool():
            return number(4, int(found))
        case int() | float():
            return double(2, float(found))
        case str():
            return text(3, found)
        case Mapping():
            return message(5, json_struct(found))
    return message(6, b"".join(message(1, json_value(item)) for item in found))


def read(body: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a message: of each number what there was; packed lists come as bytes.

    Raises:
        ValueError: it is cut off, or of a kind that nothing here has.
    """
    found: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(body):
        tag, at = _read_varint(body, at)
        value: int | bytes
        if tag & 7 == _VARINT:
            value, at = _read_varint(body, at)
        elif tag & 7 == _BYTES:
            size, at = _read_varint(body, at)
            value, at = body[at : at + size], at + size
        else:
            raise ValueError("a field of another kind")
        if at > len(body):
            raise ValueError("cut off")
        found.setdefault(tag >> 3, []).append(value)
    return found


def numbers(found: Iterable[int | bytes]) -> list[int]:
    """A list of integers, packed or not."""
    values: list[int] = []
    for one in found:
        at = 0
        while isinstance(one, bytes) and at < len(one):
            value, at = _read_varint(one, at)
            values.append(value)
        values += [one] if isinstance(one, int) else []
    return values


def frame(body: bytes, flag: int = 0) -> bytes:
    """A frame of gRPC-web."""
    return struct.pack(">BI", flag, len(body)) + body


def unframed(body: bytes) -> bytes:
    """The message of a request.

    Raises:
        ValueError: it is no frame.
    """
    if len(body) < 5 or body[0] != 0 or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise ValueError("no frame of gRPC-web")
    return body[5:]


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number that is cut off")
