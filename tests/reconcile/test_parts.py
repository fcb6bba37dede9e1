"""An environment in many parts is read part by part, and all of it is of one state, however it is swapped meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from delivery.atomic import Volume
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base.archives import Archive, part_of
from kfp_gitops.base.packed import Alike, Packed
from kfp_gitops.base.places import Mounted
from kfp_gitops.base.yamldump import dump
from kfp_gitops.compiling import lock
from kfp_gitops.reconcile import folder
from kfp_gitops.reconcile.shelf import Shelf
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.rendering.specs import hash8, path
from kfp_gitops.sources.release import FILE_VERSION

PARTS = 8
NAMES = [f"customer-{number:02}" for number in range(40)]
SPEC = "spec: of all\n"


def _state(digit: str) -> dict[str, str | bytes]:
    """A mounted folder, of which everything that may differ holds this digit."""
    head = {
        "apiVersion": FILE_VERSION,
        "kind": "Environment",
        "repository": "some-repository",
        "environment": "dev",
    }
    kfp: dict[str, Any] = {"kfp": {"host": "http://127.0.0.1", "namespace": ""}}
    counts = {"parts": PARTS, "componentParts": 1}
    found: dict[str, str | bytes] = {"environment.yaml": dump({**head, **kfp, **counts})}
    for part in range(PARTS):
        own = [name for name in NAMES if part_of(name, PARTS) == part]
        found[f"pipelines-{part:02}.tar.gz"] = Archive(_part(part, own, digit)).content()
    found["components-00.tar.gz"] = Archive({path("train", hash8(SPEC)): SPEC}).content()
    return found


def _part(part: int, own: list[str], digit: str) -> dict[str, str]:
    release = f"sha256:{digit * 64}"
    entries = [
        {"name": name, "release": release, "components": {"train": hash8(SPEC)}, "commit": digit * 7}
        for name in own
    ]
    locked = {name: {"version": f"sha-{digit * 20}", "digest": release, "manifest": release} for name in own}
    return {
        "environment.yaml": f"environment: dev\npart: {part}\nparts: {PARTS}\n"
        + dump({"pipelines": entries}),
        "versions.lock.yaml": dump({"apiVersion": FILE_VERSION, "kind": "VersionLock", "pipelines": locked}),
        **{f"pipelines/{name}/pipeline.yaml": f"of: {name} {digit}\n" for name in own},
    }


def _digits(found: folder.Texts) -> set[str]:
    """Of which states anything of it is."""
    told = {entry["commit"][0] for entry in found.environment["pipelines"]}
    told |= {label.release[-1] for label in found.shelf.labels.values()}
    told |= {pipeline.manifest[-2] for pipeline in found.shelf}
    return told | {entry.digest[-1] for entry in found.locked.values()}


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    found = Volume(tmp_path / "desired")
    found.write(_state("0"))
    return found


def _swapped(monkeypatch: pytest.MonkeyPatch, volume: Volume, after: int) -> list[str]:
    """So many parts are read, then there is another state, and the old one is gone."""
    seen: list[str] = []
    read: Callable[[str, str], Any] = lock.read

    def reading(text: str, path: str) -> Any:
        seen.append(path)
        if len(seen) == after:
            volume.write(_state("1"))
        return read(text, path)

    monkeypatch.setattr(lock, "read", reading)
    return seen


def test_all_parts_are_one_environment(volume: Volume) -> None:
    found = folder.texts(Mounted(volume.folder), "dev")
    assert sorted(found.shelf.labels) == sorted(found.locked) == NAMES
    assert sorted(entry["name"] for entry in found.environment["pipelines"]) == NAMES
    assert [pipeline.name for pipeline in found.shelf] == [*found.shelf.labels]
    assert _digits(found) == {"0"}
    assert len({id(pipeline.specs["train"]) for pipeline in found.shelf}) == 1


@pytest.mark.parametrize("after", range(1, PARTS + 2))
def test_a_swap_between_parts_gives_the_new_state_whole(
    volume: Volume, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    seen = _swapped(monkeypatch, volume, after)
    found = folder.texts(Mounted(volume.folder), "dev")
    assert sorted(found.shelf.labels) == NAMES
    assert _digits(found) == ({"1"} if after <= PARTS else {"0"})
    assert len(seen) > PARTS or after > PARTS


def test_one_part_after_the_other_is_in_memory(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is read when the one before it has been packed."""
    order: list[str] = []
    put: Callable[[Shelf, RenderedPipeline], None] = Shelf.put
    read: Callable[[str, str], Any] = lock.read

    def putting(shelf: Shelf, pipeline: RenderedPipeline) -> None:
        order.append(f"pipeline {part_of(pipeline.name, PARTS)}")
        put(shelf, pipeline)

    def reading(text: str, path: str) -> Any:
        order.append("the end of a part")
        return read(text, path)

    monkeypatch.setattr(Shelf, "put", putting)
    monkeypatch.setattr(lock, "read", reading)
    folder.texts(Mounted(volume.folder), "dev")
    own = [[f"pipeline {part}"] * sum(part_of(n, PARTS) == part for n in NAMES) for part in range(PARTS)]
    assert order == [step for part in own for step in (*part, "the end of a part")]


TEXT = st.text(st.characters(), max_size=200)
TEXTS = st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), TEXT, max_size=3)
PIPELINE = st.builds(
    RenderedPipeline, st.just("p"), st.just("sha256:0"), TEXT, specs=TEXTS, irs=TEXTS, inner=TEXTS
)


@given(st.lists(PIPELINE, max_size=5))
def test_what_is_taken_from_a_shelf_is_what_was_put_there(drawn: list[RenderedPipeline]) -> None:
    named = [
        RenderedPipeline(f"p{number}", one.release, one.manifest, one.specs, one.irs, one.inner)
        for number, one in enumerate(drawn)
    ]
    assert [*Shelf(named)] == named
    assert [label.digest for label in Shelf(named).labels.values()] == [one.digest for one in named]


@given(st.lists(TEXT, min_size=1))
def test_packed_texts_are_given_back(drawn: list[str]) -> None:
    alike = Alike()
    packed = [alike.pack(text) for text in drawn]
    assert [alike.unpack(content) for content in packed] == drawn
    assert [str(Packed.of(text)) for text in drawn] == drawn


def test_pipelines_of_one_template_take_a_tenth_on_a_shelf() -> None:
    text = "".join(f"    task-{number}: {{component: step_{number}, retry: 3}}\n" for number in range(60))
    alike = Alike()
    _, second = (alike.pack(text.replace("retry: 3", f"retry: {number}", 1)) for number in (4, 5))
    assert len(second) < len(text) / 10
    assert len(second) < len(Packed.of(text).content) / 2
