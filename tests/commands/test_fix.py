"""`fix.py`: what `make check` would refuse is mended, what it would not is not touched, and the rest is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import copies
import pytest
from bench import clean
from kfp_gitops.commands import fix
from project import PROJECT, Outcome, snapshot

Run = Callable[..., Outcome]
STEP = "components/clean_text/component.py"


@pytest.fixture
def clone(tmp_path: Path, command: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which somebody has begun a component and a pipeline of it."""
    monkeypatch.setenv("MYPY_CACHE_DIR", str(clean.folder("mypy")))
    monkeypatch.setenv("RUFF_NO_CACHE", "true")
    root = copies.without_tests(tmp_path / "clone")
    for words in (("component", "clean_text"), ("pipeline", "text-report", "--component", "clean_text")):
        assert command("new", "--root", root, *words).code == 0
    return root


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _files(root: Path) -> dict[str, bytes]:
    return {
        name: text
        for name, text in snapshot(root).items()
        if not re.search(r"(^|/)(\.git|\.mypy_cache|\.ruff_cache|__pycache__)/", name)
    }


def _lines(done: Outcome) -> dict[str, str]:
    """What is told of each check, in the order of its lines."""
    return dict(line.split(maxsplit=1) for line in done.out.splitlines() if not line.startswith(" "))


def test_it_checks_what_make_check_does() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    (block,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    found = {
        re.sub(r"^\$\(PY\) (scripts/|-m )|^\$\(VENV\)/bin/", "", line.strip()) for line in block.splitlines()
    }
    assert found == {" ".join(check.check) for check in fix.CHECKS}


@pytest.mark.timeout(600)
def test_what_is_refused_is_mended_once_and_what_is_not_stays(clone: Path, command: Run) -> None:
    _edit(clone / STEP, "repeat: int = 2,", "repeat: int=3,")
    _edit(clone / STEP, "from kfp import dsl", "import os\nfrom kfp import dsl")
    _edit(clone / "environments/dev/values.yaml", "text: change-me", "text: hello")
    before = _files(clone)
    done = command("fix", "--root", clone, "--quick")
    assert done.code == 0, done.out + done.err
    said = _lines(done)
    assert said["lint"] == f"mended: {STEP}"
    assert said["format"] == f"mended: {STEP}"
    assert said["components"] == "mended: components/clean_text/component.yaml"
    assert (said["reference"], said["rules"]) == ("fine", "fine")
    assert said["render"].startswith("mended: manifests/dev/")
    after = _files(clone)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert {path for path in changed if not path.startswith("manifests/dev/")} == {
        STEP, "components/clean_text/component.yaml",
    }  # fmt: skip
    assert "import os" not in (clone / STEP).read_text()
    again = command("fix", "--root", clone, "--quick")
    assert again.code == 0
    assert set(_lines(again).values()) == {"fine"}
    assert _files(clone) == after


@pytest.mark.timeout(600)
def test_what_no_machine_can_mend_is_told_as_the_check_tells_it_and_the_rest_is_mended(
    clone: Path, command: Run
) -> None:
    _edit(clone / STEP, "return (repeat,)", "return (repeat,")
    _edit(clone / "environments/dev/values.yaml", "text: change-me", "text: hello")
    _edit(clone / "scripts/kfp_gitops/commands/demo.py", "from __future__ import annotations\n",
          "from __future__ import annotations\n\nWRONG: int = 'text'\n")  # fmt: skip
    done = command("fix", "--root", clone)
    assert done.code == 1, done.out
    assert "left for a person: lint, format, components, render, types" in done.err
    said = _lines(done)
    assert said["format"] == "mended: scripts/kfp_gitops/commands/demo.py; left:"
    assert f"{STEP}:" in done.out
    assert "cannot be imported: SyntaxError" in done.out
    assert re.search(
        r"^  scripts/kfp_gitops/commands/demo.py:\d+: error: Incompatible types", done.out, re.MULTILINE
    )
    assert said["render"].startswith("mended: manifests/dev/")
    assert said["layers"] == "fine"


def test_an_input_that_does_not_render_is_told_at_its_line_and_nothing_is_written(
    clone: Path, command: Run
) -> None:
    _edit(clone / "templates/pipelines/text-report/pipeline.yaml.j2", "{param: text}", "{param: txt}")
    before = _files(clone)
    done = command("fix", "--root", clone, "--quick")
    assert done.code == 1
    assert "  templates/pipelines/text-report/pipeline.yaml.j2:17:" in done.out
    assert _files(clone) == before


def test_a_tool_that_is_not_installed_is_left_and_said(
    clone: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix, "find_spec", lambda name: None if name == "ruff" else True)
    done = command("fix", "--root", clone, "--quick")
    assert (done.code, "left: the Python package 'ruff' is not installed" in done.out) == (1, True)
    assert "left for a person: lint, format" in done.err
