"""`python -m kfp_gitops.local.localrun`: run a compiled pipeline and write what happens to `events.jsonl`.

Exit codes: 0 succeeded, 4 the run failed, 2 refused or bad input, 3 a defect of ours, 130 cancelled by SIGTERM or
SIGINT (130 for both, as everywhere in this repository).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from kfp_gitops.base import redact
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.local.localrun import Event, Refused, RunContext, RunEvent, execute, surroundings
from kfp_gitops.local.localrun.cache import Cache, Line
from kfp_gitops.local.localrun.done import Done
from kfp_gitops.local.localrun.events import State, as_json, now
from kfp_gitops.local.localrun.kept import Kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pipeline that the command line names; the answer is the exit code."""
    given = _arguments().parse_args(arguments)
    _listen()
    given.run_dir.mkdir(parents=True, exist_ok=True)
    events = EventFile(given.run_dir / "events.jsonl")
    try:
        return _run(given, events.write)
    except Refused as refused:
        events.write(RunEvent("FAILED", str(refused)))
        sys.stderr.write(f"{refused}\n")
        return ExitCode.BAD_INPUT
    except KeyboardInterrupt:
        events.end("CANCELED", "")
        return ExitCode.INTERRUPTED
    except Exception as error:
        events.end("FAILED", redact.traceback(f"defect of the local executor: {error!r}"))
        sys.stderr.write(redact.traceback(traceback.format_exc()))
        return ExitCode.DEFECT


def _run(given: argparse.Namespace, write: Callable[[Event], None]) -> int:
    documents, parameters = _input(given.ir, _documents), _input(given.parameters, json.loads)
    if not isinstance(parameters, dict):
        raise Refused([f"{given.parameters}: expected a JSON object"])
    outcome = execute(documents, parameters, _context(given), write)
    return ExitCode.OK if outcome.state == "SUCCEEDED" else ExitCode.REMOTE_FAILED


def _input(path: Path, read: Callable[[str], Any]) -> Any:
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Refused([f"{path}: {error}"]) from error


def _documents(text: str) -> list[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(text, Loader=loader) if document]


def _context(given: argparse.Namespace) -> RunContext:
    return RunContext(
        run_id=given.run_id,
        run_name=given.run_name,
        run_dir=given.run_dir,
        create_time=given.create_time or now(),
        schedule_time=given.schedule_time or given.create_time or now(),
        python_path=tuple(given.python_path),
        workers=given.workers,
        environ=surroundings.of_steps(os.environ, given.pass_env),
        cache=_cache(given),
        done=Done(given.done) if given.done else None,
        mounts=tuple(given.mount),
    )


def _cache(given: argparse.Namespace) -> Cache | None:
    if given.cache_fd is not None:
        return Line(given.cache_fd)
    return Kept(given.cache, given.python_path) if given.cache else None


class EventFile:
    """Events as lines of a file, each written at once, so that somebody may follow it."""

    def __init__(self, path: Path) -> None:
        self._output = path.open("a", encoding="utf-8")
        self._ended = False

    def write(self, event: Event) -> None:
        """Append an event."""
        self._ended = self._ended or (isinstance(event, RunEvent) and event.state != "RUNNING")
        self._output.write(json.dumps(as_json(event, now()), ensure_ascii=False) + "\n")
        self._output.flush()

    def end(self, state: State, error: str) -> None:
        """Tell the end of the run, unless it has been told."""
        if not self._ended:
            self.write(RunEvent(state, error))


def _listen() -> None:
    """Cancel on SIGTERM and SIGINT; a shell starts background processes with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _cancel)


def _cancel(_signal: int, _frame: object) -> None:
    """SIGTERM cancels as SIGINT does, which `asyncio.run` turns into a cancelled main task; only once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.raise_signal(signal.SIGINT)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kfp_gitops.local.localrun", description=__doc__)
    parser.add_argument("--ir", type=Path, required=True, help="compiled pipeline (YAML)")
    parser.add_argument(
        "--parameters", type=Path, required=True, help="parameters of the run (a JSON object)"
    )
    parser.add_argument("--run-dir", type=Path, required=True, help="where events, logs and artifacts go")
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--run-name", required=True)
    parser.add_argument(
        "--python-path", type=Path, action="append", default=[], help="libraries for the tasks"
    )
    parser.add_argument(
        "--pass-env",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable that the tasks see as well",
    )
    parser.add_argument(
        "--mount",
        action="append",
        default=[],
        metavar="PATH",
        help="a folder that stands for what a cluster would put there",
    )
    parser.add_argument("--workers", type=_positive, default=2, help="tasks at a time (default 2)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="what tasks gave, to be used and added to")
    parser.add_argument(
        "--cache-fd",
        type=int,
        metavar="N",
        help="an inherited socket: who has its other end knows what tasks gave",
    )
    parser.add_argument(
        "--done",
        type=Path,
        metavar="FILE",
        help="what ended well, to be added to: begun again with it, a run does only the rest",
    )
    parser.add_argument("--create-time", default="", help="RFC 3339; default: now")
    parser.add_argument("--schedule-time", default="", help="RFC 3339; default: the creation time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
