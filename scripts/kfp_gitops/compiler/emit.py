"""A DSL pipeline as IR text."""

from __future__ import annotations

import tempfile
from itertools import dropwhile
from pathlib import Path
from typing import Any

from kfp_gitops.compiler.sdk import compiler, components


def emit(pipeline: Any) -> str:
    """The IR of a DSL pipeline, as the SDK writes it: one YAML document, or two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return _without_header(path.read_text("utf-8"))


def _without_header(text: str) -> str:
    """Without the comment at the top: it shows defaults in the order of a hash table, another one in each process."""
    return "".join(dropwhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))


def load(text: str) -> Any:
    """A pipeline from its IR text, by the SDK's own loader."""
    return components.load_component_from_text(text)
