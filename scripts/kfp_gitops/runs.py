"""Run a registered pipeline once, and follow it to the end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kfp_gitops import charset
from kfp_gitops.errors import RemoteError, UsageError
from kfp_gitops.kfpapi.client import KfpApi
from kfp_gitops.kfpapi.models import RunState, TaskState
from kfp_gitops.manifest import Manifest, Type
from kfp_gitops.reconcile.desired import experiment_name

# Every state after which nothing more happens (KFP v2beta1 RuntimeState). The official client's own wait
# does not know CANCELED and waits for ever.
FINAL = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})
_MAX_POLL = 5.0


@dataclass(frozen=True)
class Request:
    """A run to start."""

    environment: str
    pipeline: str
    version: str
    parameters: Mapping[str, Any]


def parameters(manifest: Manifest, given: Sequence[str]) -> dict[str, Any]:
    """Parse `key=value` texts by the types that the pipeline declares.

    Raises:
        UsageError: every text that is wrong, and what is right.
    """
    types = {parameter.name: parameter.type for parameter in manifest.parameters}
    values, problems = {}, []
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            problems.append(f"--param {text}: write key=value")
        elif name not in types:
            problems.append(f"--param {text}: no such parameter; there are: {', '.join(types) or 'none'}")
        else:
            try:
                values[name] = _value(value, types[name])
            except ValueError:
                problems.append(f"--param {text}: {value!r} is not a {types[name]}{_example(types[name])}")
    missing = [p.name for p in manifest.parameters if p.required and p.name not in values]
    problems += [f"--param {name}=… is needed: it has no default" for name in missing]
    if problems:
        raise UsageError("\n".join(problems))
    return values


def refuse_unstorable(values: Mapping[str, Any]) -> None:
    """Before anything is sent: KFP would start the run's workflow, and then answer 500.

    Raises:
        UsageError: each parameter with a character that KFP's database does not keep.
    """
    found = [
        f"--param {'.'.join(map(str, at))}: a text with {character}; {charset.TODO}"
        for at, character, _ in charset.found_in(dict(values))
    ]
    if found:
        raise UsageError(charset.without("\n".join(found)))


def _value(text: str, wanted: Type) -> Any:
    if wanted == "str":
        return text
    value: Any = json.loads(text)
    kinds: dict[str, type | tuple[type, ...]] = {
        "int": int,
        "float": (int, float),
        "bool": bool,
        "list": list,
        "dict": dict,
    }
    if not isinstance(value, kinds[wanted]) or (isinstance(value, bool) and wanted != "bool"):
        raise ValueError(text)
    return float(str(value)) if wanted == "float" else value


def _example(wanted: Type) -> str:
    return {
        "bool": "; write true or false",
        "list": '; write JSON such as ["a", "b"]',
        "dict": "; write JSON",
    }.get(wanted, "")


def start(api: KfpApi, request: Request) -> str:
    """Submit the registered version under a unique name; returns the run's id."""
    pipeline_id = api.pipeline_id(request.pipeline)
    version_id = api.version_id(pipeline_id, request.version)
    experiment = experiment_name(request.pipeline, request.environment)
    if api.experiment(experiment) is None:
        api.create_experiment(experiment, f"Runs of {request.pipeline}.")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return api.create_run(
        name=f"{request.pipeline}-{stamp}-{secrets.token_hex(2)}",
        pipeline_id=pipeline_id,
        version_id=version_id,
        experiment_id=api.experiment_id(experiment),
        parameters=request.parameters,
    )


def follow(
    api: KfpApi,
    run_id: str,
    tell: Callable[[str], None],
    timeout: float | None,
    sleep: Callable[[float], None] = time.sleep,
) -> RunState:
    """Follow a run to a final state, telling each change of a task.

    Raises:
        RemoteError: the timeout (seconds) passed; the run itself goes on.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    seen: dict[str, str] = {}
    wait = 0.5
    while True:
        state = api.run(run_id)
        for line in _changes(state, seen):
            tell(line)
        if state.state in FINAL:
            return state
        if deadline is not None and time.monotonic() >= deadline:
            raise RemoteError(
                f"run {run_id} is still {state.state} after {timeout:g} s; it goes on: {api.run_link(run_id)}"
            )
        sleep(wait)
        wait = min(wait * 1.3, _MAX_POLL)


def _changes(run: RunState, seen: dict[str, str]) -> Iterator[str]:
    if seen.get(run.id) != run.state:
        seen[run.id] = run.state
        yield f"run {run.name}: {run.state}"
    for task in _leaves(run):
        if seen.get(task.id) != task.state and task.state != "PENDING":
            seen[task.id] = task.state
            yield f"  {task.name}: {task.state}{_took(task)}"


def _leaves(run: RunState) -> list[TaskState]:
    """The tasks that ran something: conditions, loops and exit handlers are parents of others."""
    parents = {task.parent for task in run.tasks}
    return [task for task in run.tasks if task.id not in parents]


def _took(task: TaskState | RunState) -> str:
    started = task.started if isinstance(task, TaskState) else task.created
    if started is None or task.ended is None:
        return ""
    return f" ({(task.ended - started).total_seconds():.1f} s)"


def table(run: RunState) -> str:
    """A run and its tasks: state and seconds, in order of start."""
    lines = [f"{run.state:<10} {run.name}{_took(run)}"]
    latest = datetime.max.replace(tzinfo=UTC)
    ordered = sorted(_leaves(run), key=lambda task: (task.started or latest, task.name))
    lines += [f"  {task.state:<10} {task.name}{_took(task)}" for task in ordered]
    lines += [f"  error: {error}" for error in [run.error, *(task.error for task in ordered)] if error]
    return "\n".join(lines)


def listing(runs: Sequence[RunState]) -> str:
    """Runs, newest first: state, start, id, name."""
    lines = [
        f"{run.state:<10} {run.created:%Y-%m-%d %H:%M:%S} {run.id} {run.name}"
        if run.created
        else f"{run.state} {run.id}"
        for run in runs
    ]
    return "\n".join(lines) or "no runs"
