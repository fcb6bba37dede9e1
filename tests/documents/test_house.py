"""The map of the house: every wing says what comes in and goes out, and no map leaves one out."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import kfp_gitops
import predictive_scaling
import pytest
from project import PROJECT, ROOT

HOUSES = (kfp_gitops, predictive_scaling)


def _wings(house: ModuleType) -> list[str]:
    return [found.name for found in iter_modules(house.__path__) if found.ispkg]


@pytest.mark.parametrize("name", [f"{house.__name__}.{wing}" for house in HOUSES for wing in _wings(house)])
def test_a_wing_says_what_comes_in_and_what_goes_out(name: str) -> None:
    told = import_module(name).__doc__ or ""
    assert "Comes in: " in told and " Goes out: " in told


@pytest.mark.parametrize("house", HOUSES)
def test_the_maps_name_every_wing(house: ModuleType) -> None:
    drawn = (house.__doc__ or "").replace(",", " ").split()
    written = (PROJECT / ".github/CONTRIBUTING.md").read_text("utf-8")
    for wing in _wings(house):
        assert wing in drawn
        assert f"`{wing}`" in written or f"`{wing}/`" in written


def test_at_the_top_of_the_repository_stands_what_people_edit_and_read() -> None:
    """Whatever a test or a tool leaves there by mistake is seen before it is committed for good."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone, so what is tracked is not known")
    folders = {path.split("/")[0] for path in listed.stdout.split("\0") if "/" in path}
    assert folders == {
        ".ci", ".github", "argocd", "components", "docs", "environments", "findings", "manifests", "scripts",
        "templates", "tests",
    }  # fmt: skip


def test_at_the_top_of_the_package_stand_its_wings_alone() -> None:
    modules = {found.name for found in iter_modules(kfp_gitops.__path__) if not found.ispkg}
    assert modules == {"__main__"}


_MARK = re.compile(r"# (?:type: ignore(?:\[[a-z,-]+\])?|noqa: [A-Z0-9, ]*[A-Z0-9]|fmt: skip)")


def _unexplained(path: Path, mark: str) -> Iterator[str]:
    """The lines with a mark of a checker that say nothing but marks from there on."""
    text = path.read_text("utf-8")
    for number, line in enumerate(text.splitlines(), 1) if mark in text else ():
        if mark in line and not _MARK.sub("", line[line.index(mark) :]).strip(" #"):
            yield f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"


def _modules(house: ModuleType) -> list[Path]:
    return sorted(Path(house.__path__[0]).rglob("*.py"))


def test_what_a_checker_is_to_overlook_has_its_reason_beside_it() -> None:
    modules = [path for house in HOUSES for path in _modules(house)]
    assert [line for path in modules for line in _unexplained(path, "# noqa: ")] == []
    tests = sorted((PROJECT / "tests").rglob("*.py"))
    assert [line for path in (*modules, *tests) for line in _unexplained(path, "# type: ignore")] == []


@pytest.mark.parametrize("house", HOUSES)
def test_no_module_is_too_long_to_be_read_at_once(house: ModuleType) -> None:
    long = {path: lines for path in _modules(house) if (lines := path.read_bytes().count(b"\n")) > 300}
    assert long == {}
