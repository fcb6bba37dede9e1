"""What is written below a folder is taken back whole: written, changed and removed files, links, folders."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
from kfp_gitops.base import files, folders, takeback
from kfp_gitops.base.errors import UsageError
from project import snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name, text in {"a/b/one": "1", "a/two": "2", "three": "3"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "three").chmod(0o640)
    (root / "link").symlink_to("three")
    return root


def _fail(root: Path) -> list[str]:
    """Write, change and remove files below a root, and fail."""
    told: list[str] = []
    with pytest.raises(ValueError, match="enough"), takeback.whole(root, "x", lambda: told.append("told")):
        folders.synchronise(root, "a", {"two": "changed", "new/deep/file": "n"})
        files.write_text(root, "three", "changed")
        files.write_text(root, "three", "again")
        files.write_text(root, "link", "a file now")
        raise ValueError("enough")
    return told


def _looks(root: Path) -> object:
    links = {path.name: str(path.readlink()) for path in root.rglob("*") if path.is_symlink()}
    folders = sorted(str(path) for path in root.rglob("*") if path.is_dir())
    return snapshot(root), links, folders, (root / "three").stat().st_mode


def test_all_is_as_it_was(root: Path) -> None:
    before = _looks(root)
    assert _fail(root) == ["told"]
    assert _looks(root) == before


def test_where_files_have_no_second_names_they_are_copied(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, *_: object, **__: object) -> None:
        error = errno.EPERM if source.exists() else errno.ENOENT
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("kfp_gitops.base.journal.os.link", refused)
    before = _looks(root)
    _fail(root)
    assert _looks(root) == before


def test_nothing_is_told_where_nothing_was_written(root: Path) -> None:
    told: list[str] = []
    with pytest.raises(ValueError, match="enough"), takeback.whole(root, "x", lambda: told.append("told")):
        raise ValueError("enough")
    assert told == []


def test_files_elsewhere_are_not_its_business(root: Path) -> None:
    with pytest.raises(ValueError, match="enough"), takeback.whole(root, "x", lambda: None):
        files.write_text(root.parent, "elsewhere", "1")
        raise ValueError("enough")
    assert (root.parent / "elsewhere").read_text() == "1"


def test_what_is_done_stays_and_nothing_lies_about(root: Path) -> None:
    with takeback.whole(root, "x", lambda: None), takeback.whole(root, "inner", lambda: None):
        files.write_text(root, "three", "changed")
    assert (root / "three").read_text() == "changed"
    assert not [path for path in root.iterdir() if path.name.startswith(takeback.FOLDER)]


def test_somebody_elses_folder_is_not_taken(root: Path) -> None:
    with takeback.whole(root, "x", lambda: None):
        assert takeback.left(root) is None, "it is at work"
        assert takeback.taken_back(root) is None
        with pytest.raises(UsageError, match="is at work here"):
            takeback._begun(root, "y")
    assert takeback.left(root) is None
    assert not [path for path in root.iterdir() if path.name.startswith(takeback.FOLDER)]


def test_going_back_that_is_interrupted_is_done_to_its_end(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real, calls = _looks(root), Path.replace, iter([None, KeyboardInterrupt])

    def replace(path: Path, target: Path) -> Path:
        if path.suffix == ".before" and next(calls, None):
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    assert _fail(root) == ["told"]
    assert next(calls, None) is None, "it was interrupted"
    assert _looks(root) == before


_ELSEWHERE = (
    "../outside",
    "/tmp/outside",
    ".git/hooks/pre-commit",
    ".GIT/config",
    "out/side",
    "",
    "a/../../outside",
)


@pytest.mark.parametrize("path", _ELSEWHERE)
@pytest.mark.parametrize("there", [True, False])
def test_what_came_with_a_branch_writes_and_removes_nothing_elsewhere(
    root: Path, path: str, there: bool
) -> None:
    """Whoever makes a branch can put such a folder into it; it is not to be a way to the machine of a reviewer."""
    (root / "out").symlink_to(root.parent)
    (root.parent / "side").write_text("mine")
    begun = root / takeback.FOLDER
    begun.mkdir()
    (begun / "command").write_text("import.py x")
    said = {"path": path.format(root.parent), "there": there, "made": []}
    (begun / "x.path").write_text(json.dumps(said))
    (begun / "x.before").write_text("theirs")
    (begun / "x.ours").write_text(f"-\n{hashlib.sha256(b'mine').hexdigest()}\n")
    before = snapshot(root.parent)
    with pytest.raises(UsageError, match="write no such thing"):
        takeback.taken_back(root)
    assert snapshot(root.parent) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"path": 7}', '{"path": "a", "there": 1, "made": [3]}'])
def test_a_folder_that_nothing_of_ours_wrote_is_told(root: Path, text: str) -> None:
    begun = root / takeback.FOLDER
    begun.mkdir()
    for name, content in {"command": "x", "x.ours": "-\n", "x.path": text}.items():
        (begun / name).write_text(content)
    with pytest.raises(UsageError, match="write no such thing"):
        takeback.taken_back(root)
