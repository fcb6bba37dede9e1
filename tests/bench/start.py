"""What every command costs before it does anything: this repository itself, rendered and checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from .house import ROOT, Command, Row, Settings, compare

RENDER = str(ROOT / "scripts/render.py")


def rows(settings: Settings) -> Iterator[Row]:
    """Rendering against importing its libraries; compiling against importing kfp."""
    yield compare(
        "render.py --env prod, nothing changed",
        Command("render.py --env prod", [sys.executable, RENDER, "--env", "prod"]),
        Command(
            "import jinja2, yaml, jsonschema",
            [sys.executable, "-c", "import jinja2.sandbox, yaml, jsonschema"],
        ),
        settings,
    )
    yield compare(
        "render.py --all --check, with compiling",
        Command("render.py --all --check", [sys.executable, RENDER, "--all", "--check"]),
        Command("import kfp", [sys.executable, "-c", "import kfp"]),
        settings,
    )
