"""A task that does work: attempts, back-off, its slot among the workers, its log."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.local.localrun import claims, docker, tasks
from kfp_gitops.local.localrun.cache import Asked
from kfp_gitops.local.localrun.context import RunContext
from kfp_gitops.local.localrun.events import Event
from kfp_gitops.local.localrun.importer import run_importer
from kfp_gitops.local.localrun.node import Node
from kfp_gitops.local.localrun.process import run_logged
from kfp_gitops.local.localrun.scope import Inputs, Result
from kfp_gitops.local.localrun.spec import Component, Executor, Importer, Retry
from kfp_gitops.local.localrun.tasks import Call, TaskFailed
from kfp_gitops.local.localrun.values import Outputs

_TAIL_BYTES = 256 * 1024  # room for the inputs, which kfp writes first
_TAIL_CHARACTERS = 500


@dataclass(frozen=True)
class Work:
    """One task with all that it needs; `asked` is what a cache goes by, if there is one to ask."""

    node: Node
    component: Component
    executor: Executor
    retry: Retry
    inputs: Inputs
    known: Mapping[str, str]
    asked: Asked | None = None


@dataclass(frozen=True)
class Workers:
    """Runs tasks, no more at a time than there are slots."""

    run: RunContext
    slots: asyncio.Semaphore
    emit: Callable[[Event], None]

    async def result(self, work: Work) -> Result:
        """What a task gives: what it gave before if that is known, else what it gives now."""
        done = self.run.done.outputs(work.node.id) if self.run.done else None
        if done is not None:
            return Result("SUCCEEDED", done)
        if work.asked is None or self.run.cache is None:
            return await self._tried(work)
        fingerprint, outputs = self.run.cache.find(work.asked)
        work = replace(work, node=replace(work.node, fingerprint=fingerprint))
        if outputs is not None:
            self.emit(replace(work.node.event("SUCCEEDED", outputs=outputs), cached=True))
            return Result("SUCCEEDED", outputs)
        result = await self._tried(work)
        if result.state == "SUCCEEDED":
            self.run.cache.note(fingerprint, result.outputs)
        return result

    async def _tried(self, work: Work) -> Result:
        """Run a task to its end, with its retries; a failure is a result, not an exception."""
        error, attempt, begun = "", 0, monotonic()
        while True:
            attempt += 1
            try:
                return await self._attempt(work, attempt, error)
            except TaskFailed as failed:
                error = str(failed)
            wait = work.retry.backoff * work.retry.factor ** (attempt - 1)
            why = _no_more(work.retry, attempt, monotonic() - begun + wait)
            if why is not None:
                error += why
                self.emit(work.node.attempt(work.node.event("FAILED", error), attempt))
                return Result("FAILED", error=error)
            await self._wait(work, attempt, error, wait)

    async def _attempt(self, work: Work, attempt: int, last_error: str) -> Result:
        async with self.slots:
            self._tell(work, attempt, f"attempt {attempt - 1} failed: {last_error}" if last_error else "")
            try:
                outputs = self._known_by(work, await self._outputs(work))
            except asyncio.CancelledError:
                self.emit(work.node.attempt(work.node.event("CANCELED"), attempt))
                raise
        self.emit(work.node.attempt(work.node.event("SUCCEEDED", outputs=outputs), attempt))
        return Result("SUCCEEDED", outputs)

    def _tell(self, work: Work, attempt: int, note: str) -> None:
        log = self.run.run_dir / work.node.log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a" if note else "w", encoding="utf-8") as output:
            output.write(f"--- {note}; attempt {attempt}\n" if note else "")
        self.emit(work.node.attempt(work.node.event("RUNNING", note), attempt))

    async def _wait(self, work: Work, attempt: int, error: str, wait: float) -> None:
        """Back off as Argo does: the duration grows by the factor with each attempt."""
        try:
            await asyncio.sleep(wait)
        except asyncio.CancelledError:
            self.emit(work.node.attempt(work.node.event("CANCELED", error), attempt))
            raise

    async def _outputs(self, work: Work) -> Outputs:
        if work.executor.importer:
            return self._imported(work, work.executor.importer)
        if work.executor.image in STUB_IMAGES:
            return claims.named(work.component, work.inputs, self.run.run_id)
        scratch = Path(tempfile.mkdtemp(prefix="kfp-task-"))
        try:
            return await self._run(work, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _imported(self, work: Work, importer: Importer) -> Outputs:
        """What is imported; it has no process that says in the log why it failed."""
        try:
            return run_importer(importer, work.inputs, work.known)
        except TaskFailed as failed:
            with (self.run.run_dir / work.node.log).open("a", encoding="utf-8") as log:
                log.write(f"{failed}\n")
            raise

    def _known_by(self, work: Work, outputs: Outputs) -> Outputs:
        """The same, each artifact with an id that no other has; an importer may have given it one."""
        artifacts = {
            name: tuple(
                replace(one, id=one.id or f"{self.run.run_id}/{work.node.id}/{name}/{index}")
                for index, one in enumerate(many)
            )
            for name, many in outputs.artifacts.items()
        }
        return replace(outputs, artifacts=artifacts)

    async def _run(self, work: Work, scratch: Path) -> Outputs:
        root = (self.run.run_dir / "artifacts" / work.node.path).absolute()
        shutil.rmtree(root, ignore_errors=True)  # what a failed attempt wrote is not an output
        root.mkdir(parents=True)
        call = tasks.prepare(work.component, work.executor, work.inputs, root, work.known, self.run)
        env = tasks.environment(call, self.run.python_path, scratch)
        log = self.run.run_dir / work.node.log
        start = log.stat().st_size
        try:
            code = await self._executed(call, env, scratch, log)
        except (OSError, ValueError) as error:  # an argument too long, a zero byte in a variable
            raise TaskFailed(f"it cannot be started: {error}") from error
        if code:
            raise TaskFailed(f"{_how(code)}: {_last_words(log, start)}")
        return tasks.collect(call)

    async def _executed(self, call: Call, env: Mapping[str, str], scratch: Path, log: Path) -> int:
        try:
            return await run_logged(call.command, env, scratch, log)
        except asyncio.CancelledError:
            if call.container:  # a killed client leaves its container behind
                await run_logged(docker.remove(call.container), env, scratch, log)
            raise


def _how(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"killed by signal {-code}"


def _last_words(log: Path, start: int) -> str:
    """The last line with a word in it that a step wrote: a Python traceback ends with the best short answer to why."""
    with log.open("rb") as output:
        size = output.seek(0, 2)
        output.seek(max(start, size - _TAIL_BYTES))
        text = _by_the_step(output.read().decode(errors="replace"))
    lines = [line for line in text.splitlines() if re.search(r"\w", line)]
    return lines[-1].strip()[:_TAIL_CHARACTERS] if lines else "it wrote nothing"


def _by_the_step(text: str) -> str:
    """A log without what kfp's own executor writes before it calls the function (kfp.dsl.executor_main)."""
    before, header, after = text.rpartition("Got executor_input:\n")
    if header:
        try:
            _, end = json.JSONDecoder().raw_decode(after)
            text = after[end:]
        except (ValueError, RecursionError):
            text = before + header + after
    return "\n".join(line for line in text.splitlines() if not line.startswith("[KFP Executor "))


def _no_more(retry: Retry, attempt: int, seconds: float) -> str | None:
    """Why a task that failed is not tried again so many seconds after its first attempt began; None when it is."""
    if attempt > retry.count:
        return ""
    if seconds > retry.longest:
        return (
            f" (not tried again: that would be more than {retry.longest:g} s after the first attempt began)"
        )
    return None
