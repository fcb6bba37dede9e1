"""The edge to the disk: bounded and atomic."""

from pathlib import Path

import pytest
from kfp_gitops.base import files, folders
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.files import MAX_BYTES
from project import snapshot

TEXTS = {"a.yaml": "1\n", "b/c.yaml": "2\n", "b/d/e.yaml": "ä\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folders.synchronise(tmp_path, "out", TEXTS)
    return tmp_path


def _refusal(root: Path, relative: str) -> str:
    with pytest.raises(InputError) as caught:
        files.read_text(root, relative)
    return str(caught.value)


def test_a_failed_write_leaves_the_old_text_and_nothing_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        files.write_text(root, "out/a.yaml", "new\n")
    assert snapshot(root / "out") == {name: text.encode() for name, text in TEXTS.items()}


def _one_by_one(root: Path, folder: str) -> dict[str, str]:
    return {name: files.read_text(root, f"{folder}/{name}") for name in files.list_files(root, folder)}


def test_the_texts_of_a_folder_are_those_of_its_files(root: Path) -> None:
    (root / "out/empty.yaml").write_text("")
    (root / "out/b/windows.yaml").write_bytes(b"a\r\nb\rc\n")
    found = files.read_texts(root, "out")
    assert found == _one_by_one(root, "out")
    assert list(found) == sorted(found)
    assert found["b/windows.yaml"] == "a\nb\rc\n"
    assert files.read_texts(root, "nowhere") == {}


@pytest.mark.parametrize("place", ["out/b/d/e.yaml", "out/b/d", "out/b", "out", "out/new"])
@pytest.mark.parametrize("what", ["link", "large", "not text"])
def test_what_cannot_be_read_of_a_folder_is_told_as_of_the_file(
    root: Path, tmp_path_factory: pytest.TempPathFactory, place: str, what: str
) -> None:
    path = root / place
    if what == "link":
        outside = tmp_path_factory.mktemp("outside") / "there"
        if path.exists():
            path.rename(outside)
        else:
            outside.write_text("")
        path.symlink_to(outside)
    else:
        path = path / "bad" if path.is_dir() else path
        path.write_bytes(b"x" * (MAX_BYTES + 1) if what == "large" else b"\xff")
    with pytest.raises(InputError) as one_by_one:
        _one_by_one(root, "out")
    with pytest.raises(InputError) as at_once:
        files.read_texts(root, "out")
    assert str(at_once.value) == str(one_by_one.value)


def test_hidden_files_are_not_listed_and_linked_folders_not_entered(root: Path) -> None:
    (root / "out/.hidden").write_text("")
    (root / "out/b/.git").mkdir()
    (root / "out/b/.git/config").write_text("")
    (root / "out/linked").symlink_to(root / "out/b")
    assert files.list_files(root, "out") == ["a.yaml", "b/c.yaml", "b/d/e.yaml", "linked"]
    assert files.list_files(root, "nowhere") == []
    assert files.list_folders(root, "out/b") == ["d"]


def test_only_plain_files_inside_the_root_are_read(root: Path) -> None:
    assert files.read_text(root, "out/b/d/e.yaml") == "ä\n"
    (root / "out/linked").symlink_to(root / "out/b")
    (root / "out/big").write_bytes(b" " * (MAX_BYTES + 1))
    (root / "out/latin").write_bytes(b"\xe4")
    (root / "out/windows").write_bytes(b"a\r\nb\r\n")
    assert files.read_text(root, "out/windows") == "a\nb\n"
    for relative in ("out/linked/c.yaml", "../x", "out/../out/a.yaml", str(root / "out/a.yaml")):
        assert "leads out of the repository" in _refusal(root, relative)
    for relative in ("out/missing", "out/b", "out/a.yaml/b"):
        assert "no such file" in _refusal(root, relative)
    assert f"larger than {MAX_BYTES} bytes" in _refusal(root, "out/big")
    assert "not UTF-8 at byte 0" in _refusal(root, "out/latin")


def test_a_root_that_is_a_link_itself_is_fine(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "root"
    link.symlink_to(root)
    assert files.read_text(link, "out/a.yaml") == "1\n"


def test_nothing_is_written_into_a_linked_folder(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "keep").write_text("mine")
    (root / "linked").symlink_to(outside)
    with pytest.raises(InputError, match="leads out of the repository"):
        files.write_text(root, "linked/a.yaml", "1\n")
    assert snapshot(outside) == {"keep": b"mine"}
