"""A compiled pipeline in a ZIP or a tar.gz, as KFP 1 compiled to and as KFP's server takes one.

Which file it takes is util.go of its backend/src/apiserver/server: `pipeline.yaml`, else the first, if it is YAML.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError

_ZIP, _GZIP = b"PK", b"\x1f\x8b"
_YAML = (".yaml", ".yml")
_MOST = 4 * files.MAX_BYTES
_FRAME = 31
"""zlib's wbits: a gzip frame, the largest window."""
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, OverflowError, RuntimeError,
    ValueError,
)  # fmt: skip
"""What these modules raise of bytes that somebody made up; OSError is that of bz2."""
_TODO = "unpack it, and give the compiled pipeline that is in it"


def text_of(path: str, shown: str) -> tuple[str, str]:
    """The text of a compiled pipeline whose path was looked at, and how messages name it.

    Raises:
        InputError: as `files.text_of`; it is an archive without a pipeline, or a broken one, or too large.
    """
    content = files.bytes_of(path, shown)
    if not content.startswith((_ZIP, _GZIP)):
        return files.text_in(content, shown), shown
    try:
        name, found = (_of_zip if content.startswith(_ZIP) else _of_tar)(content, shown)
    except _BROKEN as error:
        raise InputError.of(shown, f"this archive is not to be read: {error}", _TODO) from None
    inside = f"{shown}:{name.encode('utf-8', 'backslashreplace').decode()}"
    return files.text_in(found, inside), inside


def _of_zip(content: bytes, shown: str) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [one for one in archive.infolist() if not one.is_dir()]
        sizes = {one.filename: one.file_size for one in members}
        return _taken([*sizes], sizes.__getitem__, archive.read, shown)


def _of_tar(content: bytes, shown: str) -> tuple[str, bytes]:
    frame = zlib.decompressobj(_FRAME)
    plain = frame.decompress(content, _MOST)
    if not frame.eof:
        what = f"this archive holds more than {_MOST:,} bytes, or is cut short"
        raise InputError.of(shown, what, _TODO)
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
        members = {one.name: one for one in archive.getmembers() if one.isfile()}

        def read(name: str) -> bytes:
            file = archive.extractfile(members[name])
            return file.read() if file else b""

        return _taken([*members], lambda name: members[name].size, read, shown)


def _taken(
    names: Sequence[str], size: Callable[[str], int], read: Callable[[str], bytes], shown: str
) -> tuple[str, bytes]:
    name = "pipeline.yaml" if "pipeline.yaml" in names else next(iter(names), "")
    if not name.endswith(_YAML):
        held = ", ".join(name.encode("utf-8", "backslashreplace").decode() for name in names[:5]) or "nothing"
        raise InputError.of(shown, f"this archive has no pipeline.yaml: it holds {held}", _TODO)
    if size(name) > files.MAX_BYTES:
        raise InputError.of(
            shown, f"{name} in it is larger than {files.MAX_BYTES} bytes", "split the pipeline"
        )
    return name, read(name)
