"""Pages for people: a list of runs, and one run with its tasks, logs and artifacts. No script but a redirect."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from kfp_gitops.devserver import taskdetails
from kfp_gitops.devserver.app import App, fetch
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.http import Reply, Request
from kfp_gitops.devserver.records import Run
from kfp_gitops.devserver.taskdetails import Task

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


def index(app: App, _request: Request) -> Reply:
    """The newest runs."""
    runs = app.store.runs.where("1 = 1", order="created DESC, rowid DESC", limit=_SHOWN)
    rows = [(_run_link(run), _state(run.state), _time(run.created), _time(run.finished)) for run in runs]
    table = _table(("Run", "State", "Created", "Finished"), rows) if rows else "<p>No runs yet.</p>"
    return _page("Runs", f"<script>{_REDIRECT}</script><h1>Runs</h1>{table}")


def run_page(app: App, request: Request) -> Reply:
    """One run; it reloads itself until the run has ended."""
    run = fetch(app.store.runs, request.names["id"])
    tasks = taskdetails.read(app.runs_dir / run.id)
    error = f"<p class=FAILED>{escape(run.error)}</p>" if run.error else ""
    body = (
        f'<p><a href="/">Runs</a></p><h1>{escape(run.display_name)}</h1>'
        f"<p>{_state(run.state)} · created {_time(run.created)} · finished {_time(run.finished) or '–'}</p>{error}"
        f"{_tasks(run, tasks, app.runs_dir / run.id)}"
        f"<p>{_file_link(run, 'executor.log', 'executor log')} · {_file_link(run, '', 'all files')}</p>"
    )
    return _page(run.display_name, body, refresh=run.active)


def listing(run_id: str, below: str, names: Iterable[str]) -> Reply:
    """A folder of a run's files."""
    links = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
    return _page(
        below or run_id, f'<p><a href="/runs/{run_id}">Run</a></p><h1>{escape(below)}/</h1><ul>{links}</ul>'
    )


def _tasks(run: Run, tasks: list[Task], run_dir: Path) -> str:
    rows = [
        (
            escape(task.name),
            escape(task.kind),
            _state(task.state),
            escape(task.started),
            escape(task.ended),
            _file_link(run, task.log, "log") if task.log else "",
            _outputs(run, task, run_dir)
            + (f"<pre class=FAILED>{escape(task.error)}</pre>" if task.error else ""),
        )
        for task in tasks
    ]
    return _table(("Task", "Kind", "State", "Started", "Ended", "Log", "Outputs"), rows)


def _outputs(run: Run, task: Task, run_dir: Path) -> str:
    parameters = task.outputs.get("parameters")
    artifacts = task.outputs.get("artifacts")
    lines = [f"{escape(str(k))} = {escape(repr(v)[:200])}" for k, v in _items(parameters)]
    for name, found in _items(artifacts):
        uris = [a.get("uri") for a in found if isinstance(a, dict)] if isinstance(found, list) else []
        lines += [_artifact(run, str(name), str(uri), run_dir) for uri in uris]
    return "<br>".join(lines)


def _items(value: object) -> Iterable[tuple[object, object]]:
    return value.items() if isinstance(value, dict) else ()


def _artifact(run: Run, name: str, uri: str, run_dir: Path) -> str:
    """A link where the artifact lies among the run's files, else where it is said to be."""
    parts = urlsplit(uri)
    path = Path(unquote(parts.path)) if parts.scheme in ("", "file") else None
    if path and (run_dir / path).is_relative_to(run_dir):
        return _file_link(run, (run_dir / path).relative_to(run_dir).as_posix(), name)
    return f"{escape(name)}: {escape(uri)}"


def _run_link(run: Run) -> str:
    return f'<a href="/runs/{quote(run.id)}">{escape(run.display_name)}</a>'


def _file_link(run: Run, path: str, text: str) -> str:
    return f'<a href="/runs/{quote(run.id)}/files/{escape(quote(path))}">{escape(text)}</a>'


def _state(state: str) -> str:
    return f'<span class="{escape(state)}">{escape(state)}</span>'


def _time(seconds: int) -> str:
    return (rfc3339(seconds) or "").replace("T", " ").removesuffix("Z")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _page(title: str, body: str, *, refresh: bool = False) -> Reply:
    again = '<meta http-equiv="refresh" content="3">' if refresh else ""
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{again}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>{body}</html>"
    )
    return Reply(200, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": _POLICY})
