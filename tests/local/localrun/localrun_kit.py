"""Small components whose tasks write down what they received, and a way to compile a pipeline and run it."""
# ruff: noqa: T201 - the tasks write down what they received

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl
from kfp_gitops.local.localrun import Event, Outcome, RunContext, TaskEvent, WarningEvent, execute

component = partial(dsl.component, base_image="python:3.11", install_kfp_package=False)


@component
def text(value: str = "default") -> str:
    import json

    print("RECEIVED", json.dumps(value))
    return value


@component
def number(value: int = 3) -> int:
    import json

    print("RECEIVED", json.dumps(value))
    return value


@component
def fraction(value: float) -> float:
    import json

    print("RECEIVED", json.dumps(value))
    return value


@component
def listing(value: list = []) -> list:  # noqa: B006 - the default of an IR
    import json

    print("RECEIVED", json.dumps(value))
    return value


@component
def mapping(value: dict) -> dict:
    import json

    print("RECEIVED", json.dumps(value))
    return value


@component
def write(data: dsl.Output[dsl.Dataset], value: str = "content"):
    from pathlib import Path

    Path(data.path).write_text(value)
    data.metadata["size"] = len(value)


@component
def read(data: dsl.Input[dsl.Dataset]) -> str:
    import json
    from pathlib import Path

    print("RECEIVED", json.dumps(Path(data.path).read_text()))
    print("METADATA", json.dumps(data.metadata))
    return data.uri


@component
def read_all(data: dsl.Input[list[dsl.Dataset]]):
    import json
    from pathlib import Path

    print("RECEIVED", json.dumps([Path(each.path).read_text() for each in data or []]))


@component
def fail(value: str = "") -> str:
    raise ValueError("told to fail " + value)


@component
def status_of(status: dsl.PipelineTaskFinalStatus, value: str = ""):
    import json

    fields = [
        status.state,
        status.pipeline_task_name,
        status.error_message,
        status.pipeline_job_resource_name,
    ]
    print("RECEIVED", json.dumps([*fields, value]))


@dataclass(frozen=True)
class Finished:
    """A run that ended, and what it told."""

    outcome: Outcome
    events: list[Event]
    run_dir: Path

    @property
    def state(self) -> str:
        return self.outcome.state

    def last(self) -> dict[str, str]:
        """The last state of every task and group that was told."""
        return {event.task_id: event.state for event in self.events if isinstance(event, TaskEvent)}

    def of(self, task_id: str) -> list[TaskEvent]:
        return [event for event in self.events if isinstance(event, TaskEvent) and event.task_id == task_id]

    def received(self, task_id: str, mark: str = "RECEIVED") -> Any:
        """What a task wrote down as its input."""
        lines = self.log(task_id).splitlines()
        return json.loads(next(line for line in lines if line.startswith(mark)).removeprefix(mark))

    def log(self, task_id: str) -> str:
        return (self.run_dir / "logs" / f"{task_id}.log").read_text()

    def ran(self) -> set[str]:
        """The tasks (not groups) that were started."""
        started = [
            event for event in self.events if isinstance(event, TaskEvent) and event.state == "RUNNING"
        ]
        return {event.task_id for event in started if event.kind == "task"}

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, WarningEvent)]


def compiled(function: Callable[..., Any], folder: Path) -> list[dict[str, Any]]:
    """The IR of a pipeline function, from the file that the SDK writes."""
    folder.mkdir(exist_ok=True)
    target = folder / "pipeline.yaml"
    compiler.Compiler().compile(dsl.pipeline(name="test")(function), str(target))
    return list(yaml.safe_load_all(target.read_text()))


def context(folder: Path, **changes: Any) -> RunContext:
    defaults = {
        "run_id": "run-1",
        "run_name": "My run",
        "run_dir": folder / "run",
        "create_time": "2026-01-02T03:04:05Z",
        "schedule_time": "2026-01-02T03:00:00Z",
    }
    return RunContext(**{**defaults, **changes})


def run(
    function: Callable[..., Any],
    folder: Path,
    workers: int = 2,
    environ: Mapping[str, str] | None = None,
    mounts: tuple[str, ...] = (),
    **parameters: Any,
) -> Finished:
    """Compile a pipeline, run it for real, and give what was told."""
    events: list[Event] = []
    seen = {} if environ is None else {"environ": environ}
    given = context(folder, workers=workers, mounts=mounts, **seen)
    outcome = execute(compiled(function, folder), parameters, given, events.append)
    return Finished(outcome, events, given.run_dir)
