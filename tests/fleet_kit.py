"""Many pipelines from one template, in the small repository of conftest.py."""

from __future__ import annotations

from pathlib import Path

CUSTOMERS = ("acme", "birch", "cedar")
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
SCHEMA = "templates/pipelines/hello/values.schema.json"
VALUES = "environments/dev/values.yaml"


def fleet(root: Path, count: int, path: str = VALUES) -> Path:
    """Add customers, each with a pipeline made from the template `hello`, to an environment's values."""
    names = [*CUSTOMERS, *(f"customer-{index:04}" for index in range(count - len(CUSTOMERS)))][:count]
    lines = (_entry(name, index) for index, name in enumerate(names))
    (root / path).write_text((root / path).read_text("utf-8") + "".join(lines), "utf-8")
    return root


def _entry(name: str, index: int) -> str:
    return (
        f"  {name}:\n    template: hello\n    values:\n      name: {name}\n      threshold: 3\n"
        f"      items: [a, b]\n      schedule: {{cron: '0 {index % 60} 3 * * 1', enabled: false}}\n"
    )


def replace(root: Path, path: str, old: str, new: str) -> None:
    """In a file that has it."""
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), "utf-8")
