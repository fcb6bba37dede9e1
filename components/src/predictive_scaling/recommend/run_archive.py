"""What a run leaves for people and for an audit: source data, predictions, and metadata that tells them apart.

runs/<instant>-<run id>/source.csv.gz, predictions.csv, metadata.json; the last is written last. Models and the
recommendation are in the registry by content already; the metadata names them, so retention keeps them with the run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from predictive_scaling.backtest.training_tables import library_versions
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document, file_sha256, pretty_bytes
from predictive_scaling.base.settings import setting
from predictive_scaling.store.registry import Registry
from predictive_scaling.store.retention import METADATA, RUNS

ARCHIVE_SCHEMA = "predictive-scaling-run/v1"
MAX_RUN_ID = 128
_HARMFUL = re.compile(r"[^A-Za-z0-9-]")


def archive_run(registry: Registry, pointer: Document, files: Mapping[str, str | Path]) -> str:
    """Store a run's files by name and describe them; gives the key of the description. Raises RegistryError."""
    folder = run_folder(pointer)
    described: Document = {}
    for name, path in files.items():
        key = f"{folder}/{name}"
        registry.put_file(key, Path(path))
        described[name] = {"key": key, "bytes": Path(path).stat().st_size, "sha256": file_sha256(path)}
    metadata = {
        **pointer,
        "schema": ARCHIVE_SCHEMA,
        "environment": setting("ENVIRONMENT"),
        "versions": library_versions(),
        "files": described,
    }
    registry.put(f"{folder}/{METADATA}", pretty_bytes(metadata))
    return f"{folder}/{METADATA}"


def run_folder(pointer: Document) -> str:
    """Folder of a run: its instant first, so that names sort by time; a run id keeps its harmless letters."""
    return f"{RUNS}/{run_name(pointer)}"


def run_name(document: Document) -> str:
    """Name of the run that made a pointer or a recommendation."""
    instant = parse_instant(str(document["generated_at"])).strftime("%Y%m%dT%H%M%SZ")
    run_id = _HARMFUL.sub("", str(document["run_id"]))[:MAX_RUN_ID]
    return f"{instant}-{run_id}"
