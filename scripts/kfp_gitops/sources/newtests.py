"""The tests that a new component and a new pipeline begin with.

They hold what they say and nothing beside it: whoever changes a default, adds an output or a task, or moves a schedule
has not changed that. Where a name is gone that they use, `tests/own.py` says what to write in its place.
"""

from __future__ import annotations

_COMPONENT = '''"""What the step `{name}` does, called as plain Python; change it with that."""

from pathlib import Path

from own import step


def test_{name}_writes_each_line():
    done = step("{name}")(text="a", repeat=3)
    assert done.count == 3
    assert Path(done.lines.path).read_text() == "a\\na\\na\\n"
'''

_PIPELINE = '''"""The pipeline `{name}`: that it renders and compiles in {env}; add what it must always hold."""

from own import pipeline


def test_{function}_renders_and_compiles():
    assert pipeline("{name}", "{env}").digest
'''


def of_component(name: str) -> str:
    """The test of a component as `scaffold` writes it."""
    return _COMPONENT.format(name=name)


def of_pipeline(name: str, env: str) -> str:
    """The test of a pipeline of an environment."""
    return _PIPELINE.format(name=name, function=name.replace("-", "_"), env=env)
