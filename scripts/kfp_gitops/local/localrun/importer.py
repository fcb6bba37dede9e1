"""`dsl.importer`: an existing file or folder of this machine becomes an artifact of the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kfp_gitops.local.localrun import placeholders
from kfp_gitops.local.localrun.executors import remote
from kfp_gitops.local.localrun.scope import Inputs
from kfp_gitops.local.localrun.spec import Importer
from kfp_gitops.local.localrun.tasks import TaskFailed
from kfp_gitops.local.localrun.values import Artifact, Outputs, as_text

# The one output of an importer, and of the artifact in it, by the compiler's convention.
_OUTPUT = "artifact"


def run_importer(importer: Importer, inputs: Inputs, known: Mapping[str, str]) -> Outputs:
    """The imported artifact.

    Raises:
        TaskFailed: it is not on this machine.
    """
    texts = {name: as_text(value) for name, value in inputs.parameters.items()}
    known = {**known, **placeholders.of_inputs(texts)}
    path = _local(importer.uri if importer.uri is not None else texts.get("uri", ""))
    metadata = {key: placeholders.replace_in(value, known) for key, value in importer.metadata.items()}
    artifact = Artifact(_OUTPUT, str(path), importer.schema_title, importer.schema_version, metadata)
    known_by = "" if importer.again else _found_again(artifact)
    return Outputs({}, {_OUTPUT: (replace(artifact, id=known_by),)})


def _found_again(artifact: Artifact) -> str:
    """KFP takes the artifact that it has already of the same place, type and metadata (`findOrNewArtifactToImport`)."""
    told = [artifact.uri, artifact.schema_title, artifact.schema_version, dict(artifact.metadata)]
    return f"imported/{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()}"


def _local(uri: str) -> Path:
    """The absolute path: tasks run in folders of their own."""
    if remote(uri):
        raise TaskFailed(
            f"{uri!r} is not on this machine; give its parameter a file of this machine, as in --param NAME=FILE"
        )
    path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri).absolute()
    if not uri or not path.exists():
        whole = f", which is {path} where the run is" if uri and str(path) != uri else ""
        raise TaskFailed(
            f"{uri!r} does not exist{whole}; give its parameter the whole path of a file of this machine"
        )
    return path
