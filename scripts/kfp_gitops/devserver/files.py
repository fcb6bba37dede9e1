"""The files of a run, for people: nothing outside its folder, and nothing in it can act on the server."""

from __future__ import annotations

from pathlib import Path

from kfp_gitops.devserver import pages
from kfp_gitops.devserver.app import App, fetch
from kfp_gitops.devserver.errors import NoSuchPathError, TooLargeError
from kfp_gitops.devserver.http import Reply, Request

_TYPES = {
    **dict.fromkeys((".html", ".htm"), "text/html; charset=utf-8"),
    **dict.fromkeys(
        (".csv", ".json", ".jsonl", ".log", ".md", ".txt", ".yaml", ".yml"), "text/plain; charset=utf-8"
    ),
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}
# A report may bring styles and pictures of its own, but it runs no script and is of no origin.
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LARGEST = 256 << 20


def serve(app: App, request: Request) -> Reply:
    root = (app.runs_dir / fetch(app.store.runs, request.names["id"]).id).resolve()
    path = _inside(root, request.names["path"])
    if path.is_dir():
        below = "" if path == root else path.relative_to(root).as_posix()
        names = sorted(child.name + ("/" if child.is_dir() else "") for child in path.iterdir())
        return _folder(request, below, names)
    if path.stat().st_size > _LARGEST:
        raise TooLargeError("the file is too large to be shown")
    return _file(path)


def _inside(root: Path, name: str) -> Path:
    """The file that is meant, links followed, if it lies in the folder; whatever else does not exist."""
    try:
        path = (root / name).resolve(strict=True)
        if path.is_relative_to(root) and (path.is_file() or path.is_dir()):
            return path
    except (OSError, ValueError):
        pass
    raise NoSuchPathError


def _folder(request: Request, below: str, names: list[str]) -> Reply:
    """Its links are relative, so its own address must end in a slash."""
    if request.path.endswith("/"):
        return pages.listing(request.names["id"], below, names)
    return Reply(302, b"", "text/plain", {"Location": request.path + "/"})


def _file(path: Path) -> Reply:
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    headers = {"Content-Security-Policy": _SANDBOX}
    if kind == "application/octet-stream" and not path.suffix:
        headers["Content-Disposition"] = "attachment"
    return Reply(200, path.read_bytes(), kind, headers)
