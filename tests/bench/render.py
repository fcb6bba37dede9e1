"""Render 1,000 distinct five-task pipelines, against makejinja with the same templates and values.

Ours also checks values and manifests against their schemas, resolves every reference, maps images, writes stable
YAML and makes the delivery; makejinja fills in the templates and copies the component specs.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from . import generator
from .house import ROOT, Command, Row, Settings, compare

SIZE = 1000


def rows(settings: Settings) -> Iterator[Row]:
    """All of it, cold; and again when nothing has changed."""
    ours, peer = settings.folder / "ours", settings.folder / "peer"
    size = settings.size or SIZE
    shapes = generator.repository(ours, size)
    generator.for_makejinja(peer, shapes)
    render, makejinja = _render(ours), _makejinja(peer)
    yield compare(
        f"{size} pipelines, nothing there yet",
        Command("render.py --env dev", render, before=lambda: _forget(ours)),
        Command("makejinja", makejinja, before=lambda: _forget(peer)),
        settings,
        wanted=0.9,
    )
    yield compare(
        f"{size} pipelines, nothing changed",
        Command("render.py --env dev", render),
        Command("makejinja --force", [*makejinja, "--force"]),
        settings,
        wanted=0.3,
    )


def _render(root: Path) -> list[str]:
    return [sys.executable, str(ROOT / "scripts/render.py"), "--env", "dev", "--root", str(root)]


def _makejinja(root: Path) -> list[str]:
    paths = [
        "--input",
        str(root / "templates"),
        "--output",
        str(root / "manifests"),
        "--data",
        str(root / "data"),
    ]
    script = Path(sys.executable).with_name("makejinja")
    return [str(script), *paths, "--jinja-suffix", ".j2", "--undefined", "strict", "--quiet"]


def _forget(root: Path) -> None:
    shutil.rmtree(root / "manifests", ignore_errors=True)
