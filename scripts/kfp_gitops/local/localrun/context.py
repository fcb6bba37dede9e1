"""What a run is given, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kfp_gitops.local.localrun import surroundings
from kfp_gitops.local.localrun.cache import Cache
from kfp_gitops.local.localrun.done import Done
from kfp_gitops.local.localrun.values import Artifact, Json


@dataclass(frozen=True)
class RunContext:
    """One run: its identity, its folder, and how much of the machine it may take.

    `python_path` stands for the libraries of the image: it is put before the PYTHONPATH of every task.
    The times are RFC 3339; they become the placeholders of the creation and schedule time. Without a cache every
    task runs.
    """

    run_id: str
    run_name: str
    run_dir: Path
    create_time: str
    schedule_time: str
    python_path: tuple[Path, ...] = ()
    workers: int = 2
    environ: Mapping[str, str] = field(default_factory=surroundings.of_this_process, repr=False)
    """What the tasks see of this machine's environment."""
    cache: Cache | None = None
    done: Done | None = None
    """What a run that is begun again does not do again; without it all is done."""
    mounts: tuple[str, ...] = ()
    """Folders of this machine that stand for what the cluster puts at their paths: volumes, secrets, config maps."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `SUCCEEDED` or `FAILED`, why, and what the pipeline itself returns."""

    state: str
    error: str
    parameters: Mapping[str, Json]
    artifacts: Mapping[str, tuple[Artifact, ...]]


class Refused(Exception):  # noqa: N818 - it is an answer, not an accident
    """The pipeline cannot be run faithfully here; nothing of it has run."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))
