"""How tests run what the workflows run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from project import PROJECT


def run(*command: object, cwd: Path = PROJECT, **env: str) -> subprocess.CompletedProcess[str]:
    """A command as a workflow's step would run it."""
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": "", **env}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
