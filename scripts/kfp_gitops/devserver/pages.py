"""Pages for people: a list of runs, and one run with its tasks, logs and artifacts. No script but a redirect.

Their templates are in `html/`; every value is escaped as it is put in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from kfp_gitops.devserver import taskdetails
from kfp_gitops.devserver.app import App, fetch
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.http import Reply, Request
from kfp_gitops.devserver.taskdetails import Task

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2rem;color:#222}table{border-collapse:collapse}"
    "td,th{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    ".SUCCEEDED{color:#176b2c}.FAILED{color:#b00020}.CANCELED,.SKIPPED{color:#777}.RUNNING{color:#0b57d0}"
    "pre{white-space:pre-wrap;margin:0}"
)
# The SDK prints links of KFP's own interface, which keeps its paths after the #.
_REDIRECT = (
    "var m=/^#\\/runs\\/details\\/([0-9a-f-]+)$/.exec(location.hash);if(m)location.replace('/runs/'+m[1])"
)
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(_REDIRECT.encode()).digest()).decode()}'"
)
_SHOWN = 200


@dataclass(frozen=True)
class Output:
    """One line of what a task gave: a link where `path` among the run's files is known, else in words."""

    name: str
    said: str = ""
    path: str | None = None


def index(app: App, _request: Request) -> Reply:
    """The newest runs."""
    runs = app.store.runs.where("1 = 1", order="created DESC, rowid DESC", limit=_SHOWN)
    return _page("index.html", "Runs", runs=runs, redirect=_as_it_is(_REDIRECT))


def run_page(app: App, request: Request) -> Reply:
    """One run; it reloads itself until the run has ended."""
    run = fetch(app.store.runs, request.names["id"])
    folder = app.runs_dir / run.id
    tasks = [(task, list(_outputs(task, folder))) for task in taskdetails.read(folder)]
    return _page("run.html", run.display_name, refresh=run.active, run=run, tasks=tasks)


def listing(run_id: str, below: str, names: Iterable[str]) -> Reply:
    """A folder of a run's files."""
    return _page("listing.html", below or run_id, run_id=run_id, below=below, names=names)


def _outputs(task: Task, run_dir: Path) -> Iterator[Output]:
    for key, value in _items(task.outputs.get("parameters")):
        yield Output(str(key), f" = {repr(value)[:200]}")
    for name, found in _items(task.outputs.get("artifacts")):
        uris = [a.get("uri") for a in found if isinstance(a, dict)] if isinstance(found, list) else []
        yield from (_artifact(str(name), str(uri), run_dir) for uri in uris)


def _items(value: object) -> Iterable[tuple[object, object]]:
    return value.items() if isinstance(value, dict) else ()


def _artifact(name: str, uri: str, run_dir: Path) -> Output:
    """A link where the artifact lies among the run's files, else where it is said to be."""
    parts = urlsplit(uri)
    path = Path(unquote(parts.path)) if parts.scheme in ("", "file") else None
    if path and (run_dir / path).is_relative_to(run_dir):
        return Output(name, path=(run_dir / path).relative_to(run_dir).as_posix())
    return Output(name, f": {uri}")


def _moment(seconds: int) -> str:
    return (rfc3339(seconds) or "").replace("T", " ").removesuffix("Z")


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "html"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters["moment"] = _moment
    return found


def _as_it_is(ours: str) -> object:
    """A text of this module: the policy names its digest, so it goes in unescaped."""
    from markupsafe import Markup

    return Markup(ours)  # noqa: S704 -- nobody else's


def _page(template: str, title: str, *, refresh: bool = False, **values: object) -> Reply:
    page = _templates().get_template(template)
    text = page.render(title=title, refresh=refresh, style=_as_it_is(_STYLE), **values)
    return Reply(200, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": _POLICY})
