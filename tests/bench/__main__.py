"""Measure whole processes, cold: each with an empty HOME, alternating with its peer."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 15


@dataclass(frozen=True)
class Comparison:
    """A command of ours and what it is measured against."""

    name: str
    ours: Sequence[str]
    peer_name: str
    peer: Sequence[str]


COMPARISONS = [
    Comparison(
        "render.py --env prod, nothing changed",
        [sys.executable, str(ROOT / "scripts/render.py"), "--env", "prod"],
        "importing jinja2, PyYAML and jsonschema alone",
        [sys.executable, "-c", "import jinja2.sandbox, yaml, jsonschema"],
    ),
    Comparison(
        "render.py --all --check, with compiling",
        [sys.executable, str(ROOT / "scripts/render.py"), "--all", "--check"],
        "importing kfp alone",
        [sys.executable, "-c", "import kfp"],
    ),
]


def _seconds(command: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HOME": home})
        return time.perf_counter() - started


def _measure(comparison: Comparison) -> str:
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(comparison.ours))
        peer.append(_seconds(comparison.peer))
    mine, other = statistics.median(ours), statistics.median(peer)
    return (
        f"{comparison.name}: {mine:.3f} s (best {min(ours):.3f}); {comparison.peer_name}: {other:.3f} s "
        f"(best {min(peer):.3f}); ratio {mine / other:.2f}"
    )


def main() -> None:
    """Print one line for each comparison: medians, best, and the ratio of the medians."""
    for comparison in COMPARISONS:
        sys.stdout.write(_measure(comparison) + "\n")


main()
