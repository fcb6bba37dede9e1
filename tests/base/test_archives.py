"""Archives of many pipelines: written the same everywhere, read part by part, and believed in nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery.atomic import Volume
from kfp_gitops.base import archives, folders, ustar
from kfp_gitops.base.archives import Archive, part_of
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.places import Mounted, Plain, Source

PARTS = 8
NAMES = [f"customer-{number:02}" for number in range(20)]
HEAD = "# Generated\napiVersion: x/v1\nenvironment: prod\nparts: 8\ncomponentParts: 1\nkeepVersions: 10\n"
COMPONENT = "components/train-0123abcd.yaml"


def _part(part: int, environment: str = "prod", names: list[str] | None = None) -> dict[str, str]:
    own = names if names is not None else [name for name in NAMES if part_of(name, PARTS) == part]
    head = f"environment: {environment}\npart: {part}\nparts: {PARTS}\npipelines:"
    entries = "".join(f"- name: {name}\n  release: r\n" for name in own)
    return {
        "environment.yaml": f"{head}\n{entries}" if own else f"{head} []\n",
        "versions.lock.yaml": "".join(f"{name}: locked\n" for name in own),
        **{f"pipelines/{name}/pipeline.yaml": f"of: {name}\n" for name in own},
    }


def _payload(**other: bytes) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {"environment.yaml": HEAD}
    for part in range(PARTS):
        found[f"pipelines-{part:02}.tar.gz"] = Archive(_part(part)).content()
    found["components-00.tar.gz"] = Archive({COMPONENT: "spec: ä\n"}).content()
    return {**found, **{f"{name.replace('_', '-')}.tar.gz": content for name, content in other.items()}}


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path / "desired")


def _all(source: Source) -> dict[str, str]:
    """Pipeline → its manifest, of all the parts."""
    found: dict[str, str] = {}
    for part in source.parts():
        names = [
            line[8:] for line in part.read_text("environment.yaml").split("\n") if line[:8] == "- name: "
        ]
        assert part.read_text("versions.lock.yaml") == "".join(f"{name}: locked\n" for name in names)
        assert part.read_text(COMPONENT) == "spec: ä\n"
        found |= {name: part.read_texts(f"pipelines/{name}")["pipeline.yaml"] for name in names}
    return found


def test_a_packed_folder_as_a_kubelet_lays_it_is_read_part_by_part(volume: Volume) -> None:
    volume.write(_payload())
    assert Mounted(volume.folder).whole(_all) == {name: f"of: {name}\n" for name in NAMES}
    assert Plain.at(volume.folder).path.is_dir()


def test_a_part_has_the_head_and_its_own_pipelines(volume: Volume) -> None:
    volume.write(_payload())
    texts = Mounted(volume.folder).whole(
        lambda source: [part.read_text("environment.yaml") for part in source.parts()]
    )
    head = HEAD.replace("parts: 8\n", "").replace("componentParts: 1\n", "")
    assert all(text.startswith(f"{head}pipelines:") for text in texts)
    assert sorted(name for text in texts for name in NAMES if f"- name: {name}\n" in text) == NAMES


def test_parts_are_read_one_after_the_other_and_components_once(volume: Volume) -> None:
    volume.write(_payload())

    def read(source: Source) -> None:
        parts = source.parts()
        first, second = next(parts), next(parts)
        assert first.read_text(COMPONENT) is second.read_text(COMPONENT)
        (volume.folder / "pipelines-02.tar.gz").resolve().unlink()
        with pytest.raises(InputError, match=r"pipelines-02\.tar\.gz"):
            next(parts)

    Mounted(volume.folder).whole(read)


def test_a_folder_that_is_not_packed_is_one_part(volume: Volume) -> None:
    volume.write({"environment.yaml": "pipelines: []\n"})
    assert Mounted(volume.folder).whole(lambda source: [*source.parts()] == [source])
    plain = Plain.at(volume.folder.parent / "plain")
    plain.path.mkdir()
    (plain.path / "environment.yaml").write_text("pipelines: []\n")
    assert [*plain.parts()] == [plain]


def _tar(change: Callable[[tarfile.TarInfo], None], path: str = "pipelines/x/pipeline.yaml") -> bytes:
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(path)
        change(member)
        archive.addfile(member)
    return kept.getvalue()


def _gzip(tar: bytes) -> bytes:
    return gzip.compress(tar, mtime=0)


def _raw(*members: tuple[str, bytes]) -> bytes:
    return _gzip(b"".join(ustar.written(members)))


LINK = _gzip(_tar(lambda member: setattr(member, "type", tarfile.SYMTYPE)))
FOLDER = _gzip(_tar(lambda member: setattr(member, "type", tarfile.DIRTYPE)))
OWNER = _gzip(_tar(lambda member: setattr(member, "uname", "root")))
WRONG = next(name for name in NAMES if part_of(name, PARTS) != 3)
OTHER = next(name for name in NAMES if part_of(name, PARTS) == 3)
GOOD = Archive(_part(3)).content()
BOMB = _gzip(bytes(65 * 1024 * 1024))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"no archive", "it is no gzip"),
        (GOOD[:-20], "it is cut off, or more follows after its end"),
        (GOOD + b"more", "it is cut off, or more follows after its end"),
        (GOOD + GOOD, "it is cut off, or more follows after its end"),
        (GOOD[:-8] + bytes(8), "was damaged"),
        (BOMB, "it holds more than 67108864 bytes"),
        (bytes(700_000), "larger than 672000 bytes"),
        (_gzip(b""), "it is cut off"),
        (_gzip(b"x" * 10240), "it is no tar"),
        (LINK, "'pipelines/x/pipeline.yaml' is no plain file"),
        (FOLDER, "'pipelines/x/pipeline.yaml/' is no plain file"),
        (OWNER, "has a header that is not written here"),
        (_raw(("../out", b"")), "'../out' leads out of it"),
        (_raw(("/etc/x", b"")), "'/etc/x' leads out of it"),
        (_raw(("a//b", b"")), "'a//b' leads out of it"),
        (_raw(("pipelines/./b", b"")), "'pipelines/./b' leads out of it"),
        (_raw(("a", b""), ("a", b"")), "'a' is in it twice"),
        (_raw(*((f"pipelines/{n}", b"") for n in range(20_001))), "it holds more than 20000 files"),
        (_raw(("elsewhere", b"")), "'elsewhere' is of no pipeline"),
        (Archive(_part(4)).content(), "does not belong into part 3 of 8"),
        (Archive(_part(3, names=[WRONG])).content(), f"{WRONG!r} does not belong into part 3 of 8"),
        (Archive(_part(3, "dev")).content(), "it is not part 3 of 8 of environment 'prod'"),
        (Archive({}).content(), "it is not part 3 of 8 of environment 'prod'"),
        (
            Archive({**_part(3), "environment.yaml": _part(3)["environment.yaml"] + "state: disabled\n"}).content(),
            "its environment.yaml does not list just these",
        ),
        (
            Archive({**_part(3), "environment.yaml": _part(3, names=[])["environment.yaml"]}).content(),
            "its environment.yaml does not list just these",
        ),
        (_raw(("environment.yaml", b"\xff")), "not UTF-8"),
        (_raw(("environment.yaml", b"x" * 2_100_000)), "larger than 2097152 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_part_of_this_environment_is_refused_by_its_name(
    volume: Volume, content: bytes, what: str
) -> None:
    volume.write(_payload(pipelines_03=content))
    with pytest.raises(InputError) as told:
        Mounted(volume.folder).whole(_all)
    assert what in str(told.value)
    assert "desired/pipelines-03.tar.gz" in str(told.value)


def test_every_archive_that_is_missing_is_told_at_once(volume: Volume) -> None:
    payload = _payload()
    del payload["pipelines-03.tar.gz"], payload["components-00.tar.gz"]
    volume.write(payload)
    with pytest.raises(InputError) as told:
        Mounted(volume.folder).whole(_all)
    assert [problem.path for problem in told.value.problems] == [
        f"{volume.folder}/components-00.tar.gz",
        f"{volume.folder}/pipelines-03.tar.gz",
    ]


@pytest.mark.parametrize("count", ["0", "257", "true", "x", "1.0", "-1"])
def test_a_number_of_parts_that_is_none_is_refused(volume: Volume, count: str) -> None:
    volume.write({**_payload(), "environment.yaml": HEAD.replace("parts: 8", f"parts: {count}")})
    with pytest.raises(InputError, match=r"environment\.yaml"):
        Mounted(volume.folder).whole(_all)


def test_a_component_that_is_nowhere_is_told_by_its_path(volume: Volume) -> None:
    volume.write(_payload())

    def read(source: Source) -> None:
        part = next(iter(source.parts()))
        assert part.list_files("components") == ["train-0123abcd.yaml"]
        with pytest.raises(InputError, match=r"desired/components/x-1\.yaml: no such file"):
            part.read_text("components/x-1.yaml")
        with pytest.raises(InputError, match=r"desired/pipelines/x: no such file"):
            part.read_text("pipelines/x")

    Mounted(volume.folder).whole(read)


def test_components_of_another_part_are_refused(volume: Volume) -> None:
    head = HEAD.replace("componentParts: 1", "componentParts: 4")
    own = part_of(COMPONENT, 4)
    empty = Archive({}).content()
    rest = {f"components-{part:02}.tar.gz": empty for part in range(4)}
    spec = Archive({COMPONENT: "spec: ä\n"}).content()
    right = {**_payload(), "environment.yaml": head, **rest, f"components-{own:02}.tar.gz": spec}
    volume.write(right)
    assert Mounted(volume.folder).whole(_all).keys() == set(NAMES)
    volume.write(
        {**right, f"components-{own:02}.tar.gz": empty, f"components-{(own + 1) % 4:02}.tar.gz": spec}
    )
    with pytest.raises(InputError, match=r"train-0123abcd\.yaml: no such file"):
        Mounted(volume.folder).whole(_all)
    with pytest.raises(InputError, match=r"0123abcd\.yaml' does not belong into part \d of 4"):
        Mounted(volume.folder).whole(lambda source: next(source.parts()).list_files("components"))


def test_the_same_content_is_the_same_bytes_and_its_digest_is_that_of_the_tar(tmp_path: Path) -> None:
    archive = Archive(_part(3))
    assert archive.content() == Archive(_part(3)).content()
    assert archive.content()[4:8] == bytes(4), "no time"
    tar = gzip.decompress(archive.content())
    assert archive.digest == f"sha256:{hashlib.sha256(tar).hexdigest()}"
    assert archive.digest == "sha256:1425e3891e5304d0acede46db5874ab051b1442b024950a5aace49ea74043d02"


def test_anybodys_tar_reads_it(tmp_path: Path) -> None:
    (tmp_path / "part.tar.gz").write_bytes(Archive(_part(3)).content())
    listed = subprocess.run(
        ["tar", "tzf", tmp_path / "part.tar.gz"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split() == [*_part(3)]


def test_a_file_that_another_compressor_wrote_is_left_alone(tmp_path: Path) -> None:
    archive = Archive(_part(3))
    tar = b"".join(archive.tar())
    fast = zlib.compressobj(1, wbits=31)
    other = fast.compress(tar) + fast.flush()
    assert other != archive.content()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.tar.gz").write_bytes(other)
    assert folders.synchronise(tmp_path, "out", {"a.tar.gz": archive}) == []
    assert (tmp_path / "out/a.tar.gz").read_bytes() == other
    named = (
        gzip.compress(tar, mtime=0)[:3] + b"\x08" + other[4:10] + b"what a review does not see\0" + other[10:]
    )
    assert gzip.decompress(named) == tar
    for changed in (Archive(_part(4)).content(), other + b"more", named, b""):
        (tmp_path / "out/a.tar.gz").write_bytes(changed)
        assert [*folders.differences(tmp_path, "out", {"a.tar.gz": archive})] == [("change", "a.tar.gz")]
    folders.synchronise(tmp_path, "out", {"a.tar.gz": archive})
    assert (tmp_path / "out/a.tar.gz").read_bytes() == archive.content()


def test_names_are_spread_evenly_and_for_ever() -> None:
    counts = [0] * 64
    for number in range(10_000):
        counts[part_of(f"pipeline-{number}", 64)] += 1
    assert min(counts) > 100
    assert max(counts) < 210
    # SHA-256 of "a" ends in 0xbb (FIPS 180 vectors): its last six bits are 59.
    assert [part_of(name, 64) for name in ("a", "quickstart", "customer-0042")] == [59, 62, 15]


def test_what_nobody_could_read_is_told_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Archive(_part(3)).faults() == ""
    monkeypatch.setattr(archives, "LARGEST", 100)
    assert "an archive has at most 100" in Archive(_part(3)).faults()
    monkeypatch.setattr(archives, "_FILES", 1)
    assert "an archive has at most 1 of 67108864" in Archive(_part(3)).faults()


@pytest.mark.parametrize(
    "names", [["a", "a/b"], ["a/b/c", "a/b"], ["."], ["x\0y"], ["a\nb"], ["\x1b[2J"], ["a\\b"]], ids=repr
)
def test_names_that_cannot_be_files_together_or_at_all_are_refused(names: list[str]) -> None:
    tar = b"".join(ustar.written((name, b"") for name in names))
    for entered in (False, True):
        with pytest.raises(ustar.BadArchiveError):
            ustar.read(tar, 10, folders=entered)
