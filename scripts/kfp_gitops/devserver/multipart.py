"""The one file of a multipart/form-data body."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message as Headers
from email.parser import BytesHeaderParser


@dataclass(frozen=True)
class Upload:
    """A file as it was sent."""

    filename: str
    data: bytes


def read_file(body: bytes, content_type: str, field: str) -> Upload | None:
    """The part of that name, or nothing."""
    boundary = _boundary(content_type)
    if not boundary:
        return None
    # The first delimiter has no line break of its own; give it one, so that all are alike.
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, found, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head) if found and len(head) < 8192 else Headers()
        if headers.get_param("name", header="content-disposition") == field:
            return Upload(headers.get_filename() or "", data)
    return None


def _boundary(content_type: str) -> bytes:
    header = Headers()
    header["content-type"] = content_type
    boundary = header.get_boundary("") if header.get_content_type() == "multipart/form-data" else ""
    return str(boundary).encode("latin-1", "replace")
