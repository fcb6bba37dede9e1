"""The log of a pod: run_log_server.go `ReadRunLogV1` and resource_manager.go `ReadLog`, served beside the API.

The status is 200 before anything is looked for, so what is wrong comes as JSON behind it. Only the pod of that very
name is looked at: KFP's own manifests tell the server of no archive.
"""

from __future__ import annotations

import json
import re

from kfp_gitops.devserver import rundetails
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.argonodes import Node
from kfp_gitops.devserver.errors import STACK
from kfp_gitops.devserver.http import Reply, Request
from kfp_gitops.devserver.records import Run

_NEXT = re.compile(rb"(?m)^--- attempt \d+ failed: .*; attempt \d+\n")
"""What our executor writes between the attempts of a task, whose log is one file."""


def serve(app: App, request: Request) -> Reply:
    run_id, name = request.names["id"], request.names["node"]
    run = app.store.runs.get(run_id)
    if run is None:
        return _failure(run_id, f" due to run fetching error: ResourceNotFoundError: Run {run_id} not found")
    pod = rundetails.pods(run, app.runs_dir / run.id).get(name)
    if pod is None:
        gone = f'pods "{name}" not found'
        opening = f"InternalServerError: Failed to read logs from pod {name} due to error opening log stream"
        no_archive = f": {opening}: {gone}: invalid log archive configuration"
        return _failure(run_id, no_archive)
    return Reply(200, _log(app, run, pod), "text/plain; charset=utf-8")


def _log(app: App, run: Run, pod: Node) -> bytes:
    path = app.runs_dir / run.id / pod.log
    if not pod.log or not path.is_file():
        return b""
    attempts = _NEXT.split(path.read_bytes())
    return attempts[pod.attempt - 1] if pod.attempt <= len(attempts) else b""


def _failure(run_id: str, text: str) -> Reply:
    said = f"Failed to read logs for run {run_id}{text}"
    body = json.dumps({"error_message": said, "error_details": f"{said}\n{STACK}"}, separators=(",", ":"))
    return Reply(200, body.encode(), "text/plain; charset=utf-8")
