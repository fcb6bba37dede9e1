"""The small repository with a pipeline that comes compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from project import Outcome

STEPS = f"registry.example.com/steps@sha256:{'1' * 64}"
_TEMPLATE = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: brought, description: Comes compiled., owner: tests}
spec:
  ir: rich.yaml
  parameters:
    uri: {default: {{ values.uri | tojson }}}
    secret: {default: other}
schedules:
- name: daily
  cron: "0 0 4 * * *"
  enabled: true
  parameters: {rows: [{a: 2}]}
  maxConcurrency: 1
  catchup: false
"""
Run = Callable[..., Outcome]


def ir_file(root: Path) -> Path:
    return root / "templates/pipelines/brought/rich.yaml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def set_beside(root: Path, text: str) -> None:
    """Add to what the platform document sets for the only executor in it."""
    edit(
        ir_file(root),
        "        exec-use-2:\n          secretAsEnv:",
        f"        exec-use-2:\n{text}          secretAsEnv:",
    )
