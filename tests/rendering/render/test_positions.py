"""Each `path:line:column` that is told is a place of a file that is there, whatever was broken."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import project
import pytest
from kfp_gitops.base.errors import GitOpsError, InputError, Problem
from kfp_gitops.reconcile import folder
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import whence
from team_kit import two_teams

HERE = Path(__file__).parents[2]
PLACE = re.compile(r"(?P<path>[^:\s]\S*?\.\w+):(?P<line>\d+):(?P<column>\d+)\b")
WORDS = (
    "[",
    "}",
    "'",
    ": ",
    "7",
    "null",
    "{{ nothing }}",
    "{% if %}",
    "- x",
    "\t",
    "é",
    "&a",
    "*a",
    "no: no",
)


def _broken(text: str, chosen: random.Random) -> str:
    """A line that is gone, is there twice, is another one, or has a word too much."""
    lines = text.split("\n")
    at = chosen.randrange(len(lines))
    match chosen.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines[at] = chosen.choice(WORDS)
        case 3:
            column = chosen.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:column] + chosen.choice(WORDS) + lines[at][column:]
        case _:
            lines[at] = lines[at].replace("a", "aa", 1)
    return "\n".join(lines)


def _inputs(root: Path) -> list[Path]:
    suffixes = {".yaml", ".j2", ".json"}
    return sorted(
        path for path in root.rglob("*") if path.suffix in suffixes and "manifests" not in path.parts
    )


def _said(error: GitOpsError) -> Iterator[Problem]:
    if isinstance(error, InputError):
        yield from error.problems


def _is_there(root: Path, path: str, line: int, column: int) -> bool:
    """The end of a file and of a line are places, too."""
    file = root / path
    if not file.exists():
        return False
    if not line:
        return True
    lines = file.read_text("utf-8", "replace").split("\n")
    return line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1


# What is missing has no place but its own name.
MISSING = ("no such file", "is not there", "unknown component")


@pytest.mark.parametrize("seed", range(8))
def test_every_position_is_a_place_of_a_file(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    good = two_teams(_copied(tmp_path / "good"))
    told = 0
    for number in range(25):
        root = shutil.copytree(good, tmp_path / f"bad-{number}")
        for path in chosen.sample(_inputs(root), chosen.choice((1, 1, 2))):
            path.write_text(_broken(path.read_text("utf-8"), chosen), "utf-8")
        for name in ("dev", "prod"):
            try:
                render(root, name)
            except GitOpsError as error:
                for problem in _said(error):
                    told += 1
                    if not any(part in problem.what for part in MISSING):
                        assert _is_there(root, problem.path, problem.line, problem.column), problem
                    for found in PLACE.finditer(f"{problem.what}; {problem.todo}"):
                        assert _is_there(root, found["path"], int(found["line"]), int(found["column"])), (
                            problem
                        )
        shutil.rmtree(root)
    assert told > 10


def _copied(root: Path) -> Path:
    shutil.copytree(HERE / "data/repository", root)
    shutil.copytree(project.PROJECT / "templates/delivery", root / "templates/delivery")
    return root


@pytest.mark.parametrize("seed", range(4))
def test_so_is_every_position_in_rendered_manifests(tmp_path: Path, seed: int) -> None:
    chosen, told = random.Random(seed), 0
    for number in range(20):
        root = tmp_path / f"bad-{number}"
        shutil.copytree(project.PROJECT / "manifests/dev", root / "manifests/dev")
        files = sorted(path for path in (root / "manifests/dev").rglob("*.yaml"))
        for path in chosen.sample(files, 2):
            path.write_text(_broken(path.read_text("utf-8"), chosen), "utf-8")
        try:
            folder.read(root / "manifests/dev", "dev")
        except InputError as error:
            for problem in error.problems:
                told += 1
                if not any(part in problem.what for part in MISSING):
                    assert _is_there(root, problem.path, problem.line, problem.column), problem
    assert told > 5


LOOP = """\
head: {{ x }}
{% for name in names %}
  {{ name }}:
    component: greet
    cache: false
{% endfor %}
  last:
    component: greet
    cache: false
"""
SHOWN = [
    "head: 1",
    *(line for name in "ab" for line in (f"  {name}:", "    component: greet", "    cache: false")),
]
SHOWN += ["  last:", "    component: greet", "    cache: false"]


@pytest.mark.parametrize(
    ("rendered", "written"), [(1, 1), (2, 3), (3, 4), (5, 3), (6, 4), (7, 5), (8, 7), (9, 8), (10, 9)]
)
def test_lines_that_look_alike_are_told_apart_by_those_around_them(rendered: int, written: int) -> None:
    assert whence.place({"a.j2": LOOP}, "a.j2", SHOWN, rendered, 1).line == written


def test_what_another_file_of_the_folder_gave_is_placed_there() -> None:
    texts = {"a.j2": "x: 1\n{% include 'b.j2' %}\n", "b.j2": "{# of all #}\nresources: {cpu: {{ cpu }}}\n"}
    found = whence.place(texts, "a.j2", ["x: 1", "resources: {cpu: 7}"], 2, 13)
    assert found == whence.Place("b.j2", 2, 13)


def test_a_column_that_an_expression_moved_is_the_begin_of_the_line() -> None:
    found = whence.place({"a.j2": "a: {{ long_name }}, b: {c: 1}\n"}, "a.j2", ["a: 7, b: {c: 1}"], 1, 11)
    assert (found.line, found.column) == (1, 1)


def test_what_no_line_can_have_given_is_placed_at_the_begin() -> None:
    assert whence.place({"a.j2": "{{ all }}\n"}, "a.j2", ["x: 1"], 1, 4) == whence.Place("a.j2", 1, 1)


def test_a_control_a_place_that_is_not_there_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    found = [_is_there(tmp_path, *place) for place in (("a.yaml", 1, 1), ("a.yaml", 3, 1), ("b.yaml", 1, 1))]
    assert found == [True, False, False]
