"""The cache of tasks: what the driver asks before it executes one, and what the launcher notes after (cache.go).

The executor of a run asks by a line of its own, a socket that nobody else has, in lines of JSON:

    {"ask": "find", "task": {…}}                            {"fingerprint": "…", "outputs": {…} or null}
    {"ask": "note", "fingerprint": "…", "outputs": {…}}     {}

`task` is what `fingerprint.of` takes; outputs come back as they were noted. A result counts within one pipeline name
and namespace, the newest first. Other than on KFP it is not used once its files are gone, as they are with the run.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp_gitops.devserver import fingerprint
from kfp_gitops.devserver.clock import Clock, epoch
from kfp_gitops.devserver.records import CachedTask, Run
from kfp_gitops.devserver.store import Store


class Line:
    """An executor's line to the cache; as a context it keeps the executor's end open, to be handed on inside."""

    def __init__(self, store: Store, clock: Clock, run: Run) -> None:
        ours, self._theirs = socket.socketpair()
        answering = _Answering(store, clock, run)
        self._thread = threading.Thread(
            target=answering.serve, args=(ours,), name=f"cache-{run.id}", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> socket.socket:
        return self._theirs

    def __exit__(self, *_: object) -> None:
        self._theirs.close()

    def wait(self) -> None:
        """Until the last question is answered: the executor has ended, which has the only other end."""
        self._thread.join()


@dataclass(frozen=True)
class _Answering:
    """Answers one run."""

    store: Store
    clock: Clock
    run: Run

    def serve(self, ours: socket.socket) -> None:
        with ours, ours.makefile("rw", encoding="utf-8") as lines, contextlib.suppress(OSError):
            for asked in lines:
                lines.write(json.dumps(self._answered(json.loads(asked))) + "\n")
                lines.flush()

    def _answered(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A defect of the cache costs a run its cache, and nothing else."""
        try:
            return self._answer(asked)
        except Exception:
            traceback.print_exc()
            return {}

    def _answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if asked["ask"] == "find":
            found = fingerprint.of(asked["task"])
            return {"fingerprint": found, "outputs": self._found(found)}
        self._note(asked["fingerprint"], asked["outputs"])
        return {}

    def _found(self, wanted: str) -> dict[str, Any] | None:
        kept = self.store.cached_tasks.where(
            "fingerprint = ? AND pipeline = ? AND namespace = ?",
            *(wanted, self._pipeline, self.run.namespace), order="created DESC, rowid DESC",
        )  # fmt: skip
        return next((one.outputs for one in kept if _is_whole(one.outputs)), None)

    def _note(self, wanted: str, outputs: dict[str, Any]) -> None:
        now, key = epoch(self.clock.now()), str(uuid.uuid4())
        new = CachedTask(key, wanted, self._pipeline, self.run.namespace, self.run.id, now, outputs)
        self.store.cached_tasks.insert(new, checked=False)

    @property
    def _pipeline(self) -> str:
        spec = self.run.spec.get("pipeline_spec", self.run.spec)
        return str((spec.get("pipelineInfo") or {}).get("name", ""))


def _is_whole(outputs: Mapping[str, Any]) -> bool:
    """Whether what it points to is still there, as far as that is on this machine."""
    uris = [str(one.get("uri", "")) for many in outputs.get("artifacts", {}).values() for one in many]
    return all(Path(uri).parent.is_dir() for uri in uris if uri.startswith("/"))
