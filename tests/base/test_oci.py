"""An image of texts is the same bytes everywhere, and what others make of it is what was put in."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from kfp_gitops.base.oci import Image

TEXTS = {"pipelines/b/pipeline.yaml": "b: ä\n", "environment.yaml": "a\n", "components/c-1.yaml": "c\n"}


def _laid(folder: Path, image: Image) -> Path:
    for path, pieces in image.layout():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join(pieces()))
    return folder


def test_the_digest_is_of_the_texts_alone_and_for_ever() -> None:
    assert Image(TEXTS).digest == Image(dict(reversed(TEXTS.items()))).digest
    assert Image(TEXTS).digest != Image({**TEXTS, "environment.yaml": "b\n"}).digest
    assert Image(TEXTS).digest == "sha256:287cfb4823d19c4a793c2fefab7f93d7faeef03eecc6f07de227ad970582ff0d"


def test_the_layer_is_a_tar_of_files_and_folders_that_all_may_read() -> None:
    with tarfile.open(fileobj=io.BytesIO(Image(TEXTS).layer.content)) as archive:
        members = {member.name: member for member in archive}
        read = {
            name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]  # each is a file
            for name, member in members.items()
            if member.isfile()
        }
    assert read == TEXTS
    folders = {name for name, member in members.items() if member.isdir()}
    assert folders == {"pipelines", "pipelines/b", "components"}
    assert {member.mode for member in members.values() if member.isdir()} == {0o755}
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}
    names = list(members)
    assert all(names.index(name.rpartition("/")[0]) < names.index(name) for name in names if "/" in name)


def test_a_layout_names_its_blobs_by_their_digests(tmp_path: Path) -> None:
    folder = _laid(tmp_path, Image(TEXTS))
    for path in (folder / "blobs/sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    (named,) = json.loads((folder / "index.json").read_text())["manifests"]
    assert named["digest"] == Image(TEXTS).digest
    index = json.loads((folder / "blobs/sha256" / named["digest"][7:]).read_text())
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_reads_the_layout(tmp_path: Path) -> None:
    folder = _laid(tmp_path / "layout", Image(TEXTS))
    copied = tmp_path / "copied"
    command = ["skopeo", "copy", "--quiet", "--all", "--insecure-policy", f"oci:{folder}", f"dir:{copied}"]
    subprocess.run(command, check=True)
    layer = Image(TEXTS).layer.digest.removeprefix("sha256:")
    assert (copied / layer).read_bytes() == Image(TEXTS).layer.content
