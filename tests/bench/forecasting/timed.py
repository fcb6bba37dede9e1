"""Time and memory of training and judging made-up services, ten folds each, as the pipeline's tasks do it.

Against statsforecast on the same folds in the same run; against ten times as many services; and with Prophet. Seconds
are of whole processes (start, reading, ten folds of all candidates, models, judging, the report); the peers' are of
their cross-validation alone.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from predictive_scaling.models import CANDIDATES
from predictive_scaling.models.features import FeatureEngineer
from predictive_scaling.usage.tables import write_table

from ..house import Command, Figure, Row, Settings, peak_memory, run_cold
from . import many
from .families import made

SERVICES = 100
PEERS = ("MSTL (statsforecast)", "DynamicOptimizedTheta (statsforecast)")
WANTED_SECONDS, WANTED_MB = 20, 200
STEP = """
import json, sys
from predictive_scaling import steps
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
folder, step, *candidates = sys.argv[1:]
made = {m: [f"{folder}/{m}-{n}" for n in ("model", "cv", "forecast")] for m in ("cpu", "memory")}
if __name__ == "__main__" and step in made:
    options = TrainingOptions(cv_folds=10, candidates=tuple(candidates))
    steps.train_model(f"{folder}/features", *made[step], step, "", options)
elif __name__ == "__main__":
    cv, forecast = ([made[m][at] for m in made] for at in (1, 2))
    judged = steps.validate_model(*cv, *forecast, f"{folder}/features", f"{folder}/evaluation", f"{folder}/r", Gates())
    open(f"{folder}/figures", "w").write(json.dumps(judged.metrics))
"""
STEPS = ("cpu", "memory", "judge")


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of the processor, peak memory (MB) of the largest task, and what was judged."""

    services: int
    seconds: float
    processor: float
    peak: float
    figures: dict[str, float]

    def line(self, name: str) -> dict[str, str | float]:
        """As a line of the table."""
        return {
            "": name,
            "services": str(self.services),
            "s": self.seconds,
            "processor s": self.processor,
            "ms a service": 1000 * self.processor / self.services,
            "MB": self.peak,
            "accuracy": self.figures["accuracy_1h_24h_mean"],
        }


def rows(settings: Settings, python: str) -> Iterator[Row]:
    """Against the peers, if there is a `python` that has them; then against more services."""
    number = settings.size or SERVICES
    ours = tasks(number, CANDIDATES, settings.folder / "some")
    yield against_peers(ours, number, python, settings.folder)
    yield larger(ours, tasks(10 * number, CANDIDATES, settings.folder / "more"))


def tasks(number: int, candidates: Sequence[str], folder: Path) -> Spent:
    """train_model of both metrics and validate_model, each a process, one after the other."""
    folder.mkdir()
    write_table(features(number), folder / "features")
    script = folder / "step.py"
    script.write_text(STEP)
    commands = [
        Command(
            step, [sys.executable, str(script), str(folder), step, *(candidates if step != "judge" else ())]
        )
        for step in STEPS
    ]
    before = _children()
    seconds = sum(run_cold(command) for command in commands)
    spent = _children() - before
    peak = max(peak_memory(command) or 0.0 for command in commands)
    return Spent(number, seconds, spent, peak, json.loads((folder / "figures").read_text()))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def against_peers(ours: Spent, number: int, python: str, folder: Path) -> Row:
    """The same series and folds; one in ten of the services with Prophet too."""
    few = max(1, number // 10)
    prophet = tasks(few, (*CANDIDATES, "prophet"), folder / "prophet")
    found = {name: _peer(name, number, python, folder) for name in PEERS} if python else {}
    slowest = max(found.values(), key=lambda each: each["seconds"], default=None)
    lines = [ours.line("default candidates"), prophet.line("and Prophet")]
    lines += [_peer_line(name, number, each) for name, each in found.items()]
    peer = Figure("statsforecast's slower of both", *2 * (slowest["seconds"],)) if slowest else None
    told = ", ".join(f"{name} {value:.3f}" for name, value in ours.figures.items())
    return Row(
        f"{number} made-up services, 2 metrics, 10 folds: train_model × 2, validate_model",
        Figure("the three tasks, all default candidates", ours.seconds, ours.seconds, ours.peak),
        peer,
        wanted=WANTED_SECONDS * number / SERVICES,
        absolute=True,
        note=f"{told}; wanted at most {WANTED_MB} MB: {'reached' if ours.peak <= WANTED_MB else 'missed'}"
        + ("" if python else "; statsforecast is not there, so its models are skipped"),
        details=tuple(lines),
    )


def _peer(name: str, number: int, python: str, folder: Path) -> dict[str, float]:
    source, target = folder / "many.npz", folder / "many.json"
    np.savez(source, **made(2 * number))
    argv = [python, str(Path(many.__file__)), name, str(source), str(target)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(target.read_text())
    return found


def _peer_line(name: str, number: int, found: dict[str, float]) -> dict[str, Any]:
    return {
        "": name,
        "services": str(number),
        "s": found["seconds"],
        "processor s": found["processor"],
        "ms a service": 1000 * found["processor"] / number,
        "accuracy": found["accuracy"],
    }


def larger(some: Spent, more: Spent) -> Row:
    """Seconds may grow with the number of services, memory may not."""
    times = more.services / some.services
    return Row(
        f"{more.services} services against {some.services}, {times:.0f} times over",
        Figure(f"{more.services} services", more.seconds, more.seconds, more.peak),
        Figure(
            f"{times:.0f} × {some.services} services", some.seconds * times, some.seconds * times, some.peak
        ),
        wanted=1.0,
        note=f"wanted at most {WANTED_MB} MB: {'reached' if more.peak <= WANTED_MB else 'missed'}",
        details=(some.line("some"), more.line("more")),
    )


def features(number: int) -> pd.DataFrame:
    """Hourly features of made-up services: one family for cpu, the next for memory."""
    usage = list(made(2 * number).items())
    tables = []
    for at in range(number):
        (name, cpu), (_, memory) = usage[2 * at], usage[2 * at + 1]
        stamps = pd.date_range("2026-01-05", periods=len(cpu), freq="h", tz="UTC")
        clean = pd.DataFrame({"timestamp": stamps, "service": name, "cpu": cpu, "memory": memory})
        tables.append((name, FeatureEngineer().transform(clean)))
    return pd.concat([table for _, table in sorted(tables, key=lambda each: each[0])], ignore_index=True)
