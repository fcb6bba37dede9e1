"""The Python that has statsforecast, which the product does not need and its environment does not have."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "STATSFORECAST_PYTHON"
INSTALL = "install"
PINNED = Path(__file__).with_name("peers.txt")


def python(folder: Path) -> str:
    """Path of the Python that VARIABLE names, or of one that is installed into `folder` with the pinned versions.

    Empty where nothing is named and this Python has no statsforecast.
    """
    named = os.environ.get(VARIABLE, "")
    if named != INSTALL:
        return named or (sys.executable if importlib.util.find_spec("statsforecast") else "")
    made = folder / "peers"
    subprocess.run([sys.executable, "-m", "venv", str(made)], check=True)
    found = made / "bin" / "python"
    argv = [str(found), "-m", "pip", "install", "--quiet", "--requirement", str(PINNED)]
    if subprocess.run(argv, check=False).returncode:
        raise SystemExit(f"{PINNED.name} could not be installed; without {VARIABLE} these peers are skipped")
    return str(found)
