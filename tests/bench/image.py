"""The reconciler as its image has it: from process start to the first request that reaches KFP."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter

from . import clean
from .house import ROOT, Figure, Row, Settings


class _FirstRequest(ThreadingHTTPServer):
    """Notes when it is first asked, and answers that it is overloaded: nothing after that is measured."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.at = 0.0
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _FirstRequest

    def do_GET(self) -> None:
        if not self.server.asked.is_set():
            self.server.at = perf_counter()
            self.server.asked.set()
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def installed(folder: Path, *, bytecode: bool) -> tuple[Path, dict[str, str]]:
    """(interpreter, environment) as the image's own recipe makes it, our package beside them."""
    environment = clean.from_recipe(ROOT / "scripts/Dockerfile", ROOT)
    package = folder / f"package-{bytecode}"
    shutil.copytree(
        ROOT / "scripts/kfp_gitops", package / "kfp_gitops", ignore=shutil.ignore_patterns("__pycache__")
    )
    python = clean.python(environment)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if bytecode:
        compile_all = [
            python,
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode",
            "unchecked-hash",
            str(package),
        ]
        subprocess.run(compile_all, check=True)
    else:
        variables["PYTHONPYCACHEPREFIX"] = str(folder / "nothing-here")
    return python, variables


def first_request(python: Path, variables: dict[str, str], manifests: Path) -> float:
    """Seconds from the start of `reconcile plan` of dev's manifests to its first request."""
    server = _FirstRequest()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    command = [str(python), "-m", "kfp_gitops", "reconcile", "plan", "--env", "dev", "--host", host]
    started = perf_counter()
    process = subprocess.Popen(
        [*command, "--manifests", str(manifests)],
        env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    asked = server.asked.wait(60)
    process.kill()
    _, errors = process.communicate()
    server.shutdown()
    server.server_close()
    if not asked:
        raise SystemExit(f"no request came:\n{errors[-2000:]}")
    return server.at - started


def rows(settings: Settings) -> Iterator[Row]:
    """With bytecode, as the image has it, against without."""
    sys.stderr.write("image: the environment is made from requirements-reconcile.lock, unless it is there\n")
    figures = []
    for name, bytecode in (("with bytecode", True), ("without", False)):
        python, variables = installed(settings.folder, bytecode=bytecode)
        seconds = [first_request(python, variables, ROOT / "manifests/dev") for _ in range(settings.rounds)]
        figures.append(Figure(name, statistics.median(seconds), min(seconds)))
    note = "reads, checks and compiles the manifests of dev before it"
    yield Row("reconcile plan, to the first request", *figures, note=note)
