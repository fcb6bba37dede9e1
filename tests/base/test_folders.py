"""A folder is made to hold what is wanted, and only what differs is written."""

from pathlib import Path

import pytest
from kfp_gitops.base import folders
from kfp_gitops.base.errors import InputError
from project import snapshot

TEXTS = {"a.yaml": "1\n", "b/c.yaml": "2\n", "b/d/e.yaml": "ä\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folders.synchronise(tmp_path, "out", TEXTS)
    return tmp_path


def test_a_folder_is_made_to_hold_exactly_the_texts(root: Path) -> None:
    assert snapshot(root / "out") == {name: text.encode() for name, text in TEXTS.items()}
    wanted = {"a.yaml": "1\n", "b/c.yaml": "3\n", "f.yaml": ""}
    done = folders.synchronise(root, "out", wanted)
    assert done == [("change", "b/c.yaml"), ("remove", "b/d/e.yaml"), ("add", "f.yaml")]
    assert not (root / "out/b/d").exists()
    assert folders.synchronise(root, "out", wanted) == []


def test_a_file_may_become_a_folder_and_a_folder_a_file(root: Path) -> None:
    wanted = {"a.yaml/x": "1\n", "b": "2\n"}
    folders.synchronise(root, "out", wanted)
    assert snapshot(root / "out") == {"a.yaml/x": b"1\n", "b": b"2\n"}


def test_what_holds_the_text_already_is_not_written(root: Path) -> None:
    before = (root / "out/a.yaml").stat()
    folders.synchronise(root, "out", {**TEXTS, "b/c.yaml": "3\n"})
    after = (root / "out/a.yaml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_in_the_output_is_replaced_by_the_file(root: Path) -> None:
    outside = root / "outside"
    outside.write_text("1\n")
    (root / "out/a.yaml").unlink()
    (root / "out/a.yaml").symlink_to(outside)
    assert list(folders.differences(root, "out", TEXTS)) == [("change", "a.yaml")]
    folders.synchronise(root, "out", {**TEXTS, "a.yaml": "9\n"})
    assert not (root / "out/a.yaml").is_symlink()
    assert outside.read_text() == "1\n"


def test_a_hidden_file_in_the_output_is_a_difference(root: Path) -> None:
    (root / "out/b/.argocd-source.yaml").write_text("kustomize: {}\n")
    assert list(folders.differences(root, "out", TEXTS)) == [("remove", "b/.argocd-source.yaml")]
    folders.synchronise(root, "out", TEXTS)
    assert not (root / "out/b/.argocd-source.yaml").exists()


def test_a_linked_folder_is_neither_compared_nor_written_to(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "keep").write_text("mine")
    (root / "linked").symlink_to(outside)
    for folder in ("linked", "linked/dev"):
        with pytest.raises(InputError, match="leads out of the repository"):
            folders.synchronise(root, folder, TEXTS)
    assert snapshot(outside) == {"keep": b"mine"}
