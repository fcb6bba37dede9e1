"""The status page of many pipelines: made of data that is there, and with the look at KFP before it.

Data to page: two environments, ten runs and a schedule each, a tenth of them failed; `status.py --from` checks it
against its schema, reads it into records, and writes the page and the data anew. Its peer is what one writes without
this: Jinja in a loop over the same JSON, the same columns as text, without schema, drawings or filter.

With the look: one environment on a development server of this process that answers at once; the peer is the same look
as a text, so that the ratio is the price of the page.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kfp_gitops.devserver import DevServer, Faults

from . import generator
from .house import ROOT, Command, Row, Settings, compare

SIZE = 1000
LARGEST = 3.0
"""MB of a page."""
_NOTHING = (sys.executable, "-c", "")


def rows(settings: Settings) -> Iterator[Row]:
    """Data to page; then a look and its page."""
    size = settings.size or SIZE
    yield _of_data(settings, size)
    yield _with_look(settings, size)


def _of_data(settings: Settings, size: int) -> Row:
    data, page = settings.folder / "status.json", settings.folder / "page"
    data.write_text(json.dumps(board(size)), "utf-8")
    script = str(Path(__file__).with_name("status_peer.py"))
    root = settings.folder / "small"
    generator.repository(root, 1)
    argv = [sys.executable, str(ROOT / "scripts/status.py"), "--root", str(root), "--exit-zero"]
    ours = Command("status.py --from", [*argv, "--from", str(data), "--html", str(page)])
    peer = Command("Jinja in a loop", [sys.executable, script, str(data), str(settings.folder / "peer.html")])
    case = f"{size} pipelines in two environments: data to page"
    found = compare(case, ours, peer, settings, wanted=3.0, absolute=True)
    sizes = {name: _megabytes(page / name) for name in ("index.html", "status.json")}
    note = (
        f"page {sizes['index.html']:.2f} MB (wanted: at most {LARGEST:g}), data {sizes['status.json']:.2f} MB"
    )
    return _noted(found, f"{note}, the peer's page {_megabytes(settings.folder / 'peer.html'):.2f} MB")


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def _noted(row: Row, note: str) -> Row:
    return replace(row, note=note)


def board(size: int) -> dict[str, Any]:
    """A status.json of so many pipelines in dev and in prod."""
    return {
        "made": "2026-11-29T14:07:00Z",
        "period": 900,
        "environments": [
            {"name": name, "unseen": None, "seen": _seen(name, size)} for name in ("dev", "prod")
        ],
        "version": 1,
    }


def _seen(environment: str, size: int) -> dict[str, Any]:
    return {
        "host": "http://ml-pipeline.kubeflow:8888",
        "ui": "https://kfp.example.com",
        "at": "2026-11-29T14:07:00Z",
        "week": "2026-11-29T00:00:00Z",
        "period": 900,
        "disabled": False,
        "pipelines": [_pipeline(environment, number) for number in range(size)],
        "findings": [],
        "coming": [],
    }


def _pipeline(environment: str, number: int) -> dict[str, Any]:
    name, failed, hour = f"pipeline-{number:04}", number % 10 == 3, number % 24
    runs = [
        {
            "id": f"{number:08}-0000-4000-8000-{age:012}",
            "state": "FAILED" if failed and not age else "SUCCEEDED",
            "created": f"2026-11-{29 - age:02}T{hour:02}:{number % 60:02}:00Z",
        }
        for age in range(10)
    ]
    cause = f"run {runs[0]['id']} of {runs[0]['created']}"
    command = f"python scripts/run.py --env {environment} --status {runs[0]['id']}"
    waits = {"origin": "dev", "release": f"sha256:{number + 1:064x}", "since": "2026-11-28T09:00:00Z"}
    schedule = {
        "name": f"{name}-daily",
        "trigger": f"cron 0 {number % 60} {hour} * * *",
        "enabled": True,
        "next": f"2026-11-30T{hour:02}:{number % 60:02}:00Z",
        "missed": [],
        "held": [],
        "made_up": 0,
        "week": [{"hour": day * 24 + hour, "hours": 1, "count": 1} for day in range(7)],
    }
    return {
        "name": name,
        "team": f"team-{number % 12}",
        "owner": f"team-{number % 12}",
        "version": f"sha-{number:012x}",
        "registered": True,
        "release": f"sha256:{number:064x}",
        "commit": f"{number:040x}",
        "needs": failed,
        "paused_until": None,
        "waits": waits if environment == "prod" and number % 7 == 0 else None,
        "schedules": [schedule],
        "runs": runs,
        "drift": [],
        "promise": {"fresh": 93600, "duration": 2700, "age": 40000, "slowest": 900, "broken": []},
        "findings": [{"kind": "failed", "name": name, "cause": cause, "command": command}] if failed else [],
    }


def _with_look(settings: Settings, size: int) -> Row:
    root, page = settings.folder / "repository", settings.folder / "looked"
    generator.repository(root, size)
    generator.enable(root)
    _run("render", "--all", "--lock", "--root", str(root))
    with DevServer(settings.folder / "server", executor=_NOTHING, faults=Faults()) as server:
        at = ["--env", "dev", "--root", str(root), "--host", server.url]
        _run("reconcile", "apply", *at)
        ours = _command("status.py --html", "status", *at, "--exit-zero", "--html", str(page))
        peer = _command("reconcile.py status", "reconcile", "status", *at)
        case = f"{size} pipelines in one environment: look, page and data"
        found = compare(case, ours, peer, settings)
    return _noted(found, "the development server is on the same cores; the peer is the same look as a text")


def _command(name: str, script: str, *arguments: str) -> Command:
    return Command(name, [sys.executable, str(ROOT / f"scripts/{script}.py"), *arguments])


def _run(script: str, *arguments: str) -> None:
    subprocess.run(_command(script, script, *arguments).argv, check=True, capture_output=True)
