"""The cache of tasks: what it goes by, what it keeps, and the line to one that another program has.

What a key is made of is what KFP's driver makes it of (backend/src/v2/driver/cache.go, `getFingerPrint`): image,
command and arguments, the parameters that the driver resolves, the ids of artifacts, the names of volumes, the outputs.
The environment of a task is not in it.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from kfp_gitops.compiling import cachekey
from kfp_gitops.local.localrun.spec import Component, Executor
from kfp_gitops.local.localrun.values import Artifact, Json, Outputs


@dataclass(frozen=True)
class Asked:
    """What a task is about to be executed with; the names are those of KFP's messages."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    output_parameter_types: Mapping[str, str]
    command_and_args: Sequence[str]
    image: str
    pvc_names: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """As a cache is asked."""
        return {
            "inputs": dict(self.inputs),
            "outputs": dict(self.outputs),
            "outputParameterTypes": dict(self.output_parameter_types),
            "commandAndArgs": list(self.command_and_args),
            "image": self.image,
            "pvcNames": list(self.pvc_names),
        }


class Cache(Protocol):
    """Knows what tasks gave."""

    def find(self, asked: Asked) -> tuple[str, Outputs | None]:
        """The fingerprint of a task, and what a task with the same one gave if there was one."""

    def note(self, fingerprint: str, outputs: Outputs) -> None:
        """What a task gave that ended well."""


def asked(
    component: Component,
    executor: Executor,
    parameters: Mapping[str, Json],
    artifacts: Mapping[str, Sequence[Artifact]],
    claims: Sequence[str],
) -> Asked:
    """What the key of a task is made of."""
    given = {name: {"artifacts": [{"name": one.id} for one in many]} for name, many in artifacts.items()}
    return Asked(
        inputs={"parameterValues": dict(parameters), "artifacts": given},
        outputs=cachekey.outputs_of(component.document),
        output_parameter_types=cachekey.output_types_of(component.document),
        command_and_args=executor.command,
        image=executor.image,
        pvc_names=sorted(set(claims)),
    )


def to_json(outputs: Outputs) -> dict[str, Any]:
    """What a task gave, as a cache keeps it."""
    artifacts = {name: [asdict(one) for one in many] for name, many in outputs.artifacts.items()}
    return {"parameters": dict(outputs.parameters), "artifacts": artifacts}


def of_json(kept: Mapping[str, Any]) -> Outputs:
    """The same, read back."""
    artifacts = {name: tuple(Artifact(**one) for one in many) for name, many in kept["artifacts"].items()}
    return Outputs(kept["parameters"], artifacts)


class Line:
    """A cache that the program has which started this one; asked over a socket, in lines of JSON."""

    def __init__(self, number: int) -> None:
        self._socket = socket.socket(fileno=number)
        self._lines = self._socket.makefile("rw", encoding="utf-8")

    def find(self, asked: Asked) -> tuple[str, Outputs | None]:
        answer = self._ask({"ask": "find", "task": asked.as_json()})
        found = answer.get("outputs")
        return str(answer.get("fingerprint", "")), None if found is None else of_json(found)

    def note(self, fingerprint: str, outputs: Outputs) -> None:
        if fingerprint:
            self._ask({"ask": "note", "fingerprint": fingerprint, "outputs": to_json(outputs)})

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing when the other program does not answer: a run can do without a cache."""
        answer = ""
        with contextlib.suppress(OSError):
            self._lines.write(json.dumps(question) + "\n")
            self._lines.flush()
            answer = self._lines.readline()
        found: Mapping[str, Any] = json.loads(answer or "{}")
        return found
