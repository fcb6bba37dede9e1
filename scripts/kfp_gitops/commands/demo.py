"""`demo`: the whole way once on this machine, with the same scripts and the same API as in production."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kfp_gitops.base import yamledit
from kfp_gitops.base.errors import ExitCode, ScriptFailedError
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse

_SAMPLE = "components/src/predictive_scaling/sample/smd_servers_5min.csv.gz"
# The sample ends on 2024-02-02 at 21:55; the demo looks at it as if it were that night.
_NOW = "2024-02-02T22:00:00Z"
_FOLLOWS = "predictive-scaling-forecast"
# Artifact of a task → the name under which a person finds it.
_RESULTS = {
    ("publish", "recommendation"): "recommendation.json",
    ("fall-back-on-models", "recommendation"): "recommendation.json",
    ("fall-back-on-data", "recommendation"): "recommendation.json",
    ("publish", "report"): "forecast-report.html",
    ("fall-back-on-models", "report"): "forecast-report.html",
    ("fall-back-on-data", "report"): "forecast-report.html",
    ("validate-models", "evaluation"): "evaluation.json",
    ("validate-data", "report"): "validation-report.md",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Render, plan, apply, plan again, run predictive-scaling on real data and what follows it; show the results."""
    parser = Parser("demo.py", "Show the whole way once on this machine; no cluster is needed.")
    parser.add_argument("--keep", action="store_true", help="leave the development server running at the end")
    root: Path = parse(parser, argv).root
    folder = root / ".demo"
    shutil.rmtree(folder, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.INTERRUPTED))
    started = time.monotonic()
    _script(root, "render.py", "--env", "dev")
    _script(root, "render.py", "--env", "dev", "--check")
    with _development_server(root, folder / "server") as host:
        _deliver(root, host)
        _run(root, folder, host)
        (run,) = (folder / "server/runs").iterdir()
        _follow(root, folder, host)
    _show_results(root, run, time.monotonic() - started)
    return ExitCode.OK


def _deliver(root: Path, host: str) -> None:
    _script(root, "reconcile.py", "plan", "--env", "dev", "--host", host, expect=ExitCode.DIFFERENCES)
    _script(root, "reconcile.py", "apply", "--env", "dev", "--host", host)
    _script(root, "reconcile.py", "plan", "--env", "dev", "--host", host)


def _run(root: Path, folder: Path, host: str) -> None:
    parameters = [
        f"data_source={root / _SAMPLE}",
        f"now_override={_NOW}",
        f"registry={folder / 'registry'}",
    ]
    given = [word for parameter in parameters for word in ("--param", parameter)]
    _script(
        root,
        "run.py",
        "--env",
        "dev",
        "--pipeline",
        "predictive-scaling",
        "--host",
        host,
        *given,
        "--wait",
    )


def _follow(root: Path, folder: Path, host: str) -> None:
    """A pass over the triggers: the training has succeeded, so the forecast that waits for it starts."""
    manifest = root / f"manifests/dev/pipelines/{_FOLLOWS}/pipeline.yaml"
    if not manifest.is_file() or "\ntriggers:" not in manifest.read_text("utf-8"):
        return  # a fork may do without
    where = ("--root", str(_copied(root, folder)), "--env", "dev")
    _script(root, "render.py", *where, "--lock")
    _script(root, "reconcile.py", "apply", *where, "--host", host)
    _script(root, "reconcile.py", "trigger", *where, "--host", host)
    _script(root, "run.py", *where, "--status", _ended(host), "--host", host)
    _script(root, "reconcile.py", "apply", "--env", "dev", "--host", host)


def _copied(root: Path, folder: Path) -> Path:
    """The repository's inputs with the demo's data and models in the values: who starts a run by hand says so."""
    copy, unneeded = folder / "repository", shutil.ignore_patterns("src", "__pycache__")
    for name in ("environments", "templates", "components", "manifests"):
        shutil.copytree(root / name, copy / name, ignore=unneeded)
    values = copy / "environments/dev/values.yaml"
    text = values.read_text("utf-8")
    for key, value in (("data_source", root / _SAMPLE), ("model_registry", folder / "registry")):
        text = yamledit.put(text, ("pipelines", _FOLLOWS, "values", key), str(value))
    values.write_text(text, "utf-8")
    # KFP reads no path of a machine as data; the development server does.
    template = copy / f"templates/pipelines/{_FOLLOWS}/pipeline.yaml.j2"
    text = template.read_text("utf-8").replace("\nspec:\n", "\nspec:\n  acceptedFaults: [unfit-default]\n", 1)
    template.write_text(text, "utf-8")
    return copy


def _ended(host: str) -> str:
    """The id of the run that the pass has started, once it is over."""
    from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi

    api = KfpApi(host, "")
    (run,) = (one for one in api.runs_since(None) if one.name.startswith(_FOLLOWS))
    while run.state in ACTIVE:
        time.sleep(1)
        run = api.run(run.id)
    return run.id


def _script(root: Path, name: str, *arguments: str, expect: int = ExitCode.OK) -> None:
    words = ["python", f"scripts/{name}", *arguments]
    console.result(f"\n$ {shlex.join(words).replace(f'{root}/', '')}")
    code = subprocess.run(
        [sys.executable, str(root / "scripts" / name), *arguments], check=False, cwd=root
    ).returncode
    if code != expect:
        raise ScriptFailedError(f"scripts/{name} ended with exit code {code}; the lines above say why", code)


@contextmanager
def _development_server(root: Path, data: Path) -> Iterator[str]:
    console.result("\n$ python scripts/devserver.py --port 0 &")
    command = [sys.executable, str(root / "scripts/devserver.py"), "--port", "0", "--data", str(data)]
    # A session of its own: Ctrl-C reaches the demo, which then stops the server in order.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ}
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        console.result(line.rstrip())
        url = next((word.rstrip(",") for word in line.split() if word.startswith("http://")), None)
        if url is None:
            code = process.wait(timeout=15)  # it has closed its output, or speaks of something else
            raise ScriptFailedError("the development server did not start; the lines above say why", code)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _show_results(root: Path, run: Path, seconds: float) -> None:
    outputs = dict(_outputs(run / "events.jsonl"))
    results = root / ".demo/results"
    results.mkdir()
    for key, name in _RESULTS.items():
        if key in outputs:
            shutil.copyfile(outputs[key]["path"], results / name)
    metrics = (
        outputs[("validate-models", "metrics")]["metadata"]
        if ("validate-models", "metrics") in outputs
        else {}
    )
    (results / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", "utf-8")
    console.result(f"\nDone in {seconds:.0f} s. What the run produced from real data ({_SAMPLE}):")
    for path in sorted(results.iterdir()):
        console.result(f"  {path.relative_to(root)}  ({path.stat().st_size:,} bytes)")


def _outputs(events: Path) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for line in events.read_text("utf-8").splitlines():
        event = json.loads(line)
        artifacts = (event.get("outputs") or {}).get("artifacts", {})
        for name, (artifact, *_) in ((name, items) for name, items in artifacts.items() if items):
            path = str(artifact["uri"]).removeprefix("file://")
            yield (event["display_name"], name), {**artifact, "path": path}
