"""One Python component by kfp's own task machinery; the only module that imports kfp.

Taken from `kfp.local`: the layout of outputs, the Python that replaces `python3`, the collection of outputs. Not
taken is what differs from the backend: inputs (whole numbers become floats, unset optional ones an error), the second
scan of placeholders, `python3` replaced inside parameter values too, and the output that is mixed on stdout.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfp_gitops.compiling import lean
from kfp_gitops.local.localrun import docker, executors, packages, placeholders
from kfp_gitops.local.localrun.context import RunContext
from kfp_gitops.local.localrun.scope import Inputs
from kfp_gitops.local.localrun.spec import Component, Executor
from kfp_gitops.local.localrun.values import Artifact, Json, Outputs, as_text, canonical

# Marks the shell script in the command of a Python component; the component's source follows it.
_SCRIPT = '"$program_path/ephemeral_component.py"'


class TaskFailed(Exception):  # noqa: N818 - the task failed, not this program
    """A task did not succeed; the message says how."""


@dataclass(frozen=True)
class Call:
    """One attempt of a task, ready to be started; `container` is its name if it runs by Docker.

    The last two are kfp's messages.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]
    container: str
    executor_input: Any
    component_spec: Any
    mounts: tuple[str, ...] = ()
    """Folders of this machine that a container sees at the same paths."""


def prepare(
    component: Component,
    executor: Executor,
    inputs: Inputs,
    root: Path,
    known: Mapping[str, str],
    run: RunContext,
) -> Call:
    """Build the command of a task whose outputs go below `root`, a folder of the run."""
    lean.import_kfp()  # else each run imports the client of the API and Kubernetes', which takes twice as long
    from google.protobuf import json_format
    from kfp.local import executor_input_utils
    from kfp.pipeline_spec import pipeline_spec_pb2

    spec = json_format.ParseDict(
        component.document, pipeline_spec_pb2.ComponentSpec(), ignore_unknown_fields=True
    )
    only_outputs = pipeline_spec_pb2.ComponentSpec(output_definitions=spec.output_definitions)
    executor_input = executor_input_utils.construct_executor_input(only_outputs, {}, str(root), False)
    message = json_format.MessageToDict(executor_input) | {"inputs": _message(component, inputs)}
    texts = placeholders.of_inputs({name: as_text(value) for name, value in inputs.parameters.items()})
    output_file = executor_input.outputs.output_file
    known = {**known, **texts, "{{$}}": json.dumps(message), "{{$.outputs.output_file}}": output_file}
    env = {name: placeholders.replace(value, known) for name, value in executor.env.items()}
    if executors.in_image(executor):
        taken: dict[str, str | None] = dict.fromkeys(
            name for name in executor.variables if name in run.environ
        )
        # The client's own environment is not the container's.
        call = Call((), dict(os.environ), _name(root), executor_input, spec)
        call = replace(call, mounts=tuple(one for one in executor.mounts if one in run.mounts))
        return _contained(executor, inputs, taken | env, call, known)
    return Call(_command(executor, known), {**run.environ, **env}, "", executor_input, spec)


def _contained(
    executor: Executor, inputs: Inputs, env: Mapping[str, str | None], call: Call, known: Mapping[str, str]
) -> Call:
    """The call by Docker."""
    outputs = call.executor_input.outputs
    given = {name: found[0].uri for name, found in inputs.artifacts.items() if found}
    made = {name: found.artifacts[0].uri for name, found in outputs.artifacts.items()}
    files = {name: parameter.output_file for name, parameter in outputs.parameters.items()}
    known = {
        **known, **placeholders.of_artifacts("inputs", given), **placeholders.of_artifacts("outputs", made),
        **placeholders.of_output_files(files),
    }  # fmt: skip
    present = [*(name for name, value in inputs.parameters.items() if value is not None), *given]
    entry, args = executor.command[: executor.args_from], executor.command[executor.args_from :]
    words = [
        [placeholders.replace(part, known) for part in docker.resolved(parts, present)]
        for parts in (entry, args)
    ]
    mounts = {Path(path): "ro" for path in given.values()} | {Path(outputs.output_file).parent: "rw"}
    mounts |= {Path(path): "rw" for path in call.mounts}
    command = docker.command(executor.image, call.container, words[0], words[1], env, mounts)
    return replace(call, command=command)


def _name(root: Path) -> str:
    """A name for the container that no other has."""
    return f"kfp-{root.name}-{uuid.uuid4().hex[:12]}"


def collect(call: Call) -> Outputs:
    """What a task that ended well has produced.

    Raises:
        TaskFailed: an output is missing or cannot be read; the backend fails the task then.
    """
    from kfp.local import executor_output_utils

    declared = call.component_spec.output_definitions
    try:
        found = executor_output_utils.get_outputs_for_task(call.executor_input, call.component_spec)
        parameters = {name: canonical(found[name]) for name in declared.parameters if name in found}
        artifacts = {
            name: _artifacts(found[name]) if name in found else _where_it_should_be(call, name)
            for name in declared.artifacts
        }
    except Exception as error:  # kfp and protobuf raise many kinds, all of them for what the task wrote
        raise TaskFailed(f"its outputs cannot be read: {error}") from error
    missing = sorted(set(declared.parameters) - set(parameters))
    if missing:
        raise TaskFailed(f"it did not write its output {', '.join(map(repr, missing))}")
    return Outputs(parameters, artifacts)


def environment(call: Call, python_path: tuple[Path, ...], scratch: Path) -> dict[str, str]:
    """The environment of a task: the call's own, and the libraries that the image would have.

    Its temporary files go to `scratch`: kfp's command makes a folder there and leaves it behind.
    """
    env = {**call.env, "TMPDIR": str(scratch)}
    given = [Path(entry) for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    entries = [str(entry.absolute()) for entry in (*python_path, *given)]
    return env | ({"PYTHONPATH": os.pathsep.join(entries)} if entries else {})


def _message(component: Component, inputs: Inputs) -> dict[str, Json]:
    """The inputs of KFP's ExecutorInput message, as JSON; a parameter that is null is left out, as by the driver."""
    parameters: dict[str, Json] = {
        name: value
        for name, value in inputs.parameters.items()
        if value is not None and name in component.parameters
    }
    artifacts: dict[str, Json] = {
        name: {"artifacts": [_runtime_artifact(artifact) for artifact in values]}
        for name, values in inputs.artifacts.items()
    }
    return {"parameterValues": parameters, "artifacts": artifacts}


def _runtime_artifact(artifact: Artifact) -> Json:
    return {
        "name": artifact.name,
        "type": {"schemaTitle": artifact.schema_title, "schemaVersion": artifact.schema_version},
        "uri": artifact.uri,
        "metadata": dict(artifact.metadata),
    }


def _command(executor: Executor, known: Mapping[str, str]) -> tuple[str, ...]:
    from kfp.local import subprocess_task_handler

    command = [placeholders.replace(part, known) for part in packages.without_install(executor.command)]
    head = next((i + 1 for i, part in enumerate(command) if _SCRIPT in part), 0)
    python = shlex.quote(sys.executable)
    return (*subprocess_task_handler.replace_python_executable(command[:head], python), *command[head:])


def _where_it_should_be(call: Call, name: str) -> tuple[Artifact, ...]:
    """An artifact of which the task told nothing: a container writes no more than its file (or not even that)."""
    return tuple(
        Artifact(name, found.uri, found.type.schema_title, found.type.schema_version, {})
        for found in call.executor_input.outputs.artifacts[name].artifacts
    )


def _artifacts(found: Any) -> tuple[Artifact, ...]:
    return tuple(_artifact(each) for each in (found if isinstance(found, list) else [found]))


def _artifact(found: Any) -> Artifact:
    metadata = {key: canonical(value) for key, value in found.metadata.items()}
    return Artifact(found.name, found.uri, found.schema_title, found.schema_version, metadata)
