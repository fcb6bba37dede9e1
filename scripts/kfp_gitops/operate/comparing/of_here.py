"""A run on this machine, from its folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from yaml import YAMLError

from kfp_gitops.base.errors import GitOpsError, UsageError
from kfp_gitops.compiling import ir
from kfp_gitops.kfpserver.metadata import logged as metrics
from kfp_gitops.kfpserver.runtree import Names, of_events
from kfp_gitops.kfpserver.runtree.events import last
from kfp_gitops.kfpserver.runtree.fold import Seen
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.language.manifest import reader
from kfp_gitops.local import about
from kfp_gitops.operate.comparing import steps
from kfp_gitops.operate.comparing.sides import File, Part, Side, complete, leaves

FOLDER = ".local-runs"
_UNREADABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)
"""What reading raises of files that were cut off, or that somebody changed."""
_FIRST, _OVER = "ir.yaml", frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


def is_run(folder: Path) -> bool:
    """Whether a local run wrote it."""
    return (folder / _FIRST).is_file() and (folder / "parameters.json").is_file()


def newest(root: Path, pipeline: str | None) -> list[Path]:
    """The folders of the runs here that began, the newest first; of one pipeline, where one is said."""
    found = [path for path in (root / FOLDER).glob("*") if is_run(path) and (path / "events.jsonl").is_file()]
    found.sort(key=lambda path: ((path / _FIRST).stat().st_mtime_ns, path.name), reverse=True)
    return [path for path in found if pipeline in (None, pipeline_of(path))]


def pipeline_of(folder: Path) -> str:
    """Of which pipeline it is; "" where nothing can be read."""
    try:
        return about.read(folder).pipeline or str(_documents(folder)[0]["pipelineInfo"]["name"])
    except (GitOpsError, YAMLError, *_UNREADABLE):
        return ""


def side(folder: Path) -> Side:
    """The run in a folder.

    Raises:
        UsageError: something in it cannot be read.
    """
    try:
        return _side(folder)
    except _UNREADABLE as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(f"{folder}: what it holds cannot be read ({what}); run that once more") from error


def _side(folder: Path) -> Side:
    spec, platform = _documents(folder)
    told, of = _events(folder), about.read(folder)
    given = json.loads((folder / "parameters.json").read_text("utf-8"))
    state = next((str(one["state"]) for one in reversed(told) if one.get("event") == "run"), "PENDING")
    times = [datetime.fromisoformat(one["time"]) for one in told]
    return Side(
        run=folder.name,
        place=str(folder),
        pipeline=of.pipeline or spec.get("pipelineInfo", {}).get("name", ""),
        state=state,
        started=times[0] if times else None,
        ended=times[-1] if state in _OVER else None,
        parameters=complete(spec, given),
        parts=dict(_parts(of_events(spec, given, last(told), state, _names(folder)))),
        steps=steps.of(spec, platform),
        commit=of.commit,
        libraries=of.libraries if of.pipeline else None,
    )


def _documents(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        found = ir.documents((folder / _FIRST).read_text("utf-8"))
    except YAMLError as error:
        raise UsageError(f"{folder / _FIRST}: cannot be read; run that once more") from error
    if not found:
        raise UsageError(f"{folder / _FIRST}: is empty; run that once more")
    return found[0], found[1] if len(found) > 1 else {}


def _events(folder: Path) -> list[Mapping[str, Any]]:
    """The whole lines; the last one may be cut off with the run."""
    path = folder / "events.jsonl"
    if not path.is_file():
        raise UsageError(f"{folder}: that run never began; run it again")
    whole, _, _ = path.read_text("utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def _names(folder: Path) -> Names:
    """The ids of the manifest that was run, which is kept beside it."""
    main = folder / about.MAIN
    within = sorted((folder / about.INNER).glob("*.yaml"))
    try:
        manifest = reader.read(main.read_text("utf-8"), str(main))
        inner = {path.stem: reader.read(path.read_text("utf-8"), str(path)) for path in within}
    except (OSError, GitOpsError):
        return lambda found: found
    return Ids(manifest, inner, same=True)


def _parts(views: Any) -> Iterator[tuple[str, Part]]:
    for path, view in leaves(views):
        if not view.seen:
            yield path, Part(view.state)
        for index, seen in enumerate(view.seen):
            yield f"{path} #{index}" if len(view.seen) > 1 else path, _part(seen)


def _part(seen: Seen) -> Part:
    outputs: Mapping[str, Any] = seen.outputs
    artifacts = {
        name if len(found) == 1 else f"{name}[{index}]": one
        for name, found in outputs.get("artifacts", {}).items()
        for index, one in enumerate(found)
    }
    logged = {
        f"{name}.{key}": value for name, one in artifacts.items() for key, value in metrics.of(one).items()
    }
    return Part(
        seen.state,
        None if seen.cached else _seconds(seen),
        outputs.get("parameters", {}),
        logged,
        {name: File(one["uri"], digest(one["uri"])) for name, one in artifacts.items()},
    )


def _seconds(seen: Seen) -> float | None:
    return (seen.ended - seen.started).total_seconds() if seen.started and seen.ended else None


def digest(uri: str) -> str:
    """Of a file, or of all files below a folder; "" on another machine. `Metrics` mostly have no file at all."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return ""
    path = Path(unquote(parts.path) if parts.scheme else uri)
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            found.update(f"{file.relative_to(path)}\0".encode())
            with file.open("rb") as content:
                found.update(hashlib.file_digest(content, "sha256").digest())
    return found.hexdigest() if path.exists() else "none"
