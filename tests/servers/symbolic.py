"""`kfp_gitops.local.localrun` whose tasks compute nothing: what they give is made up of all that they are given.

Everything else is the program's own: the walk over the graph, what a task is given, its questions to the cache. An
output is the same whenever component, image, command, variables, values and the contents of artifacts are; it is of
few values, so that another input often gives the same. Nothing is refused: no image, no volume and no file is needed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kfp_gitops.local.localrun import __main__, importer, leaf, refuse
from kfp_gitops.local.localrun.leaf import Work, Workers
from kfp_gitops.local.localrun.values import Artifact, Json, Outputs


async def _run(self: Workers, work: Work, _scratch: Path) -> Outputs:
    await asyncio.sleep(0)
    root = (self.run.run_dir / "artifacts" / work.node.path).absolute()
    root.mkdir(parents=True, exist_ok=True)
    declared = work.component.document.get("outputDefinitions", {})
    given = _digest(work)
    values = {
        name: _value(one["parameterType"], given, name)
        for name, one in declared.get("parameters", {}).items()
    }
    artifacts = {}
    for name, one in declared.get("artifacts", {}).items():
        path = root / name
        path.write_text(f"{given}{name}")
        schema = one.get("artifactType", {})
        title, version = schema.get("schemaTitle", "system.Artifact"), schema.get("schemaVersion", "0.0.1")
        artifacts[name] = (Artifact(name, str(path), title, version, {}),)
    return Outputs(values, artifacts)


def _digest(work: Work) -> str:
    """Of what a real task could go by."""
    contents = {
        name: [_content(one.uri) for one in many] for name, many in sorted(work.inputs.artifacts.items())
    }
    told: list[Any] = [
        work.executor.image, work.executor.command, dict(work.executor.env), dict(work.inputs.parameters), contents,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _content(uri: str) -> str:
    path = Path(uri)
    return path.read_text() if path.is_file() else uri


def _value(kind: str, given: str, name: str) -> Json:
    """One of three values of a type."""
    number = int(hashlib.sha256(f"{given}{name}".encode()).hexdigest()[:8], 16) % 3
    values: Mapping[str, Json] = {
        "NUMBER_INTEGER": number,
        "NUMBER_DOUBLE": number / 2,
        "STRING": "abc"[number],
        "BOOLEAN": number > 0,
        "LIST": [{"a": number, "name": "n", "b": "b"}],
        "STRUCT": {"a": number, "name": "n", "b": {"c": number}},
    }
    return values[kind]


leaf.Workers._run = _run  # type: ignore[method-assign]  # no task is run here
refuse.check = lambda _pipeline, _given, _run: None
refuse.warnings = lambda _pipeline, _run: iter(())
importer._local = Path  # type: ignore[assignment]  # an URI stands for itself
sys.exit(__main__.main())
