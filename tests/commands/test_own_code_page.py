"""docs/own-code.md: what it says is done, in its order, in a copy of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import copies
import page_kit
import pytest
from bench import clean
from kfp_gitops.devserver import DevServer
from project import PROJECT

PAGE = "docs/own-code.md"


@pytest.mark.timeout(1200)
def test_a_module_a_package_and_a_second_image_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYPY_CACHE_DIR", str(clean.folder("mypy")))
    copy = copies.committed(tmp_path / "copy")
    assert page_kit.run(copy, PAGE, "A module beside the components") == 5
    _is_in_the_image(copy)
    refused = {"python scripts/run.py --env dev --pipeline text-report": 2}
    assert page_kit.run(copy, PAGE, "Packages", refused) == 5
    assert page_kit.run(copy, PAGE, "A second image") == 7
    _is_a_sound_recipe(copy / "components/texts.Dockerfile")
    _is_whole(copy)


@pytest.mark.timeout(600)
def test_ones_own_beside_dev_comes_and_goes_as_documented(tmp_path: Path) -> None:
    copy = copies.committed(tmp_path / "copy")
    with DevServer(tmp_path / "server") as server:

        def here(line: str) -> str:
            return "true" if "devserver.py" in line else line.replace("http://127.0.0.1:8896", server.url)

        assert page_kit.run(copy, PAGE, "On a shared KFP, beside dev", adapted=here) == 6


def _is_in_the_image(copy: Path) -> None:
    """What the recipe takes of the context has the module, and the workflow builds when it changes."""
    recipe = (copy / "components/Dockerfile").read_text()
    assert "\nCOPY src/ /opt/package/\n" in recipe
    assert "PYTHONPATH=/opt/package " in recipe
    assert "!src\n" in (copy / "components/.dockerignore").read_text()
    assert (copy / "components/src/texts/cleaning.py").is_file()
    assert "    - components/src/**\n" in (copy / ".github/workflows/images.yaml").read_text()


def _is_a_sound_recipe(path: Path) -> None:
    """On the base of the first image, and without a complaint of the linter."""
    (base,) = (line for line in path.read_text().splitlines() if line.startswith("ARG BASE="))
    assert f"{base}\n" in (PROJECT / "components/Dockerfile").read_text()
    tool = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([tool, "--no-color", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def _is_whole(copy: Path) -> None:
    """What was made on the way is refused by no check."""
    made = [
        "components/clean_text",
        "components/slug_text",
        "components/src/texts",
        "tests/components",
        "tests/pipelines",
    ]
    for words in (
        ["-m", "ruff", "check", "--quiet", *made], ["-m", "ruff", "format", "--check", "--quiet", *made],
        ["scripts/components.py", "--check"], ["scripts/render.py", "--all", "--check"], ["scripts/policy.py"],
    ):  # fmt: skip
        done = subprocess.run([sys.executable, *words], cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout + done.stderr)
