"""Render 1,000 five-task pipelines, made from 20 templates or from one each, against makejinja and helm.

Ours also checks values and manifests against their schemas, resolves every reference, maps images, writes stable
YAML and files, and makes the delivery. makejinja fills in the same templates with the same values, and copies the
component specs; `helm template` renders them as one chart, checks the values against the same schema, and writes one
stream of text, no file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from . import fleet, generator, helm
from .house import ROOT, Command, Row, Settings, compare, run_cold

SIZE = 1000


def rows(settings: Settings) -> Iterator[Row]:
    """Many pipelines of few templates: cold, and again when nothing has changed; and as many templates."""
    size = settings.size or SIZE
    yield from _of_few_templates(settings, size)
    yield _distinct(settings, size)


def _of_few_templates(settings: Settings, size: int) -> Iterator[Row]:
    ours, peer, chart = (settings.folder / name for name in ("ours", "peer", "chart"))
    instances = fleet.repository(ours, size)
    fleet.for_makejinja(peer, instances)
    fleet.for_helm(chart, instances)
    helmed = Command("helm template", [str(helm.binary()), "template", "bench", str(chart)])
    _must_be_alike(ours, helmed)
    case = f"{size} pipelines of {min(size, fleet.TEMPLATES)} templates"
    cold = Command("render.py --env dev", _render(ours), before=lambda: _forget(ours))
    made = Command("makejinja", _makejinja(peer), before=lambda: _forget(peer))
    yield compare(f"{case}, nothing there yet", cold, helmed, settings, wanted=3)
    yield compare(f"{case}, nothing there yet", cold, made, settings, wanted=0.25, memory=1.5)
    kept = {
        "XDG_CACHE_HOME": str(settings.folder / "cache")
    }  # what is remembered from one rendering to the next
    again = Command("render.py --env dev", _render(ours), kept)
    run_cold(again)
    yield compare(
        f"{case}, nothing changed",
        again,
        Command("makejinja --force", [*_makejinja(peer), "--force"]),
        settings,
        wanted=0.1,
    )


def _must_be_alike(ours: Path, helmed: Command) -> None:
    """What both make of some pipelines; tests look after the rest."""
    subprocess.run(_render(ours), check=True, capture_output=True)
    text = subprocess.run(helmed.argv, check=True, capture_output=True, text=True).stdout
    parts = [part for part in text.split("\n---\n") if "\nkind: PipelineManifest\n" in part]
    for part in parts[:: len(parts) // 20 or 1]:
        found = yaml.safe_load(part)
        path = ours / "manifests/dev/pipelines" / found["metadata"]["name"] / "pipeline.yaml"
        if found != yaml.safe_load(path.read_text("utf-8")):
            raise SystemExit(f"helm makes something else of {found['metadata']['name']}")


def _distinct(settings: Settings, size: int) -> Row:
    ours, peer = settings.folder / "distinct", settings.folder / "distinct-peer"
    generator.for_makejinja(peer, generator.repository(ours, size))
    return compare(
        f"{size} pipelines of {size} templates, nothing there yet",
        Command("render.py --env dev", _render(ours), before=lambda: _forget(ours)),
        Command("makejinja", _makejinja(peer), before=lambda: _forget(peer)),
        settings,
        wanted=0.75,
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
    what = ["--jinja-suffix", ".j2", "--exclude-pattern", "shapes/*", "--undefined", "strict"]
    return [str(script), *paths, *what, "--quiet"]


def _forget(root: Path) -> None:
    shutil.rmtree(root / "manifests", ignore_errors=True)
