"""The small repository with a pipeline that comes compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
import rich_ir
import yaml
from brought_kit import _TEMPLATE


@pytest.fixture
def root(repository: Path) -> Path:
    """The small repository with one more pipeline, whose IR lies beside its template."""
    folder = repository / "templates/pipelines/brought"
    folder.mkdir()
    (folder / "pipeline.yaml.j2").write_text(_TEMPLATE)
    (folder / "values.schema.json").write_text(
        '{"type": "object", "properties": {"uri": {"type": "string"}}}'
    )
    (folder / "rich.yaml").write_text(yaml.safe_dump_all(rich_ir.documents()))
    with (repository / "environments/dev/values.yaml").open("a") as values:
        values.write("  brought:\n    values: {uri: gs://x/y}\n")
    return repository
