"""A process with its own process group, so that nothing of a task outlives it, as nothing outlives a pod."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

# How long a cancelled task may tidy up; a pod has 30 s, but nobody waits that long at a terminal.
_GRACE_SECONDS = 3.0


async def run_logged(command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> int:
    """Run a command with its output appended to a file; when cancelled, its whole process group ends.

    Raises:
        OSError: it cannot be started, for instance because an argument is longer than the system allows.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            cwd=folder,
            start_new_session=True,
        )
    try:
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
