"""A mounted folder is made of links: those that stay inside are followed, and it is read in one state, old or new."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery.atomic import Volume
from kfp_gitops.base.errors import InputError, RemoteError
from kfp_gitops.base.places import Mounted, Plain, Source, read_mounted
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.rendering.rendered import read_from
from project import Outcome

NAMES = ["environment.yaml", "versions.lock.yaml"]
NAMES += [f"pipelines/{p}/{path}" for p in "ab" for path in ("pipeline.yaml", "components/c.yaml")]


def payload(text: str) -> dict[str, str]:
    return dict.fromkeys(NAMES, text)


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    laid = Volume(tmp_path / "desired")
    laid.write(payload("old"))
    return laid


def read(source: Source) -> set[str]:
    """All texts of an environment, as desired state reads them."""
    texts = {source.read_text(name) for name in NAMES[:2]}
    for name in "ab":
        found = read_from(source, {"name": name, "release": ""})
        assert list(found.specs) == ["c"]
        texts |= {
            text for _, text in found.files()
        }  # each pipeline with specs of its own, as there once were
    return texts


def test_the_links_of_a_kubelet_are_followed(volume: Volume) -> None:
    assert (volume.folder / "pipelines").is_symlink() and (volume.folder / "environment.yaml").is_symlink()
    assert Mounted(volume.folder).whole(read) == {"old"}
    volume.write(payload("new"))
    assert Mounted(volume.folder).whole(read) == {"new"}


def test_a_link_to_the_mounted_folder_and_a_folder_in_it_are_read(volume: Volume, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(volume.folder)
    assert Mounted(link).whole(read) == {"old"}
    volume.write({f"dev/{name}": "inner" for name in NAMES})
    assert Mounted(volume.folder / "dev").whole(read) == {"inner"}


def test_links_inside_are_followed_without_a_kubelet_too(tmp_path: Path) -> None:
    for name in NAMES:
        place = tmp_path / "real" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("own")
    for name in ("environment.yaml", "versions.lock.yaml", "pipelines"):
        (tmp_path / name).symlink_to(f"real/{name}")
    assert Mounted(tmp_path).whole(read) == {"own"}


@pytest.mark.parametrize(
    "name", ["environment.yaml", "pipelines", "..data/pipelines/a", "..data/pipelines/b/components/c.yaml"]
)
def test_links_that_leave_the_folder_are_refused_with_the_name_of_the_file(
    volume: Volume, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    Volume(outside).write(payload("stolen"))
    place = volume.folder / name
    if place.is_symlink() or place.is_file():
        place.unlink()
    else:
        place.rename(tmp_path / "away")
    place.symlink_to(outside / name.removeprefix("..data/"))
    with pytest.raises(InputError) as caught:
        Mounted(volume.folder).whole(read)
    assert "leads out of the folder" in str(caught.value)
    assert str(caught.value).startswith(f"{volume.folder}/") and ".." not in str(caught.value)


def test_another_state_that_stands_elsewhere_is_refused(volume: Volume, tmp_path: Path) -> None:
    Volume(tmp_path / "elsewhere").write(payload("stolen"))
    (volume.folder / "..data").unlink()
    (volume.folder / "..data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="leads out of the folder"):
        Mounted(volume.folder).whole(read)


def test_nothing_above_the_folder_is_named(volume: Volume) -> None:
    for name in ("../desired/environment.yaml", str(volume.folder / "environment.yaml")):
        with pytest.raises(InputError, match="leads out of the folder"):
            Mounted(volume.folder).whole(lambda source, name=name: source.read_text(name))


def test_links_that_lead_in_circles_end(volume: Volume) -> None:
    (volume.folder / "..data/pipelines/a/components/again").symlink_to("..")
    (volume.folder / "..data/pipelines/a/self").symlink_to("self")
    found = Mounted(volume.folder).whole(lambda source: source.list_files("pipelines/a"))
    assert "pipeline.yaml" in found and len(found) < 20


def test_messages_name_the_file_and_not_its_dated_folder(volume: Volume) -> None:
    volume.write({**payload("x"), "environment.yaml": "\tnot yaml"})
    with pytest.raises(InputError) as caught:
        Mounted(volume.folder).whole(lambda source: source.read_text("missing.yaml"))
    assert str(caught.value).startswith(f"{volume.folder}/missing.yaml: no such file")


@pytest.mark.parametrize("after", range(1, 9))
def test_a_swap_while_it_is_read_gives_the_new_state_whole(volume: Volume, after: int) -> None:
    """Swapped, and the old folder removed, after so many files were read."""
    seen: list[str] = []

    class Counting:
        def __init__(self, source: Source) -> None:
            self.source, self.name, self.path = source, source.name, source.path

        def read_text(self, relative: str) -> str:
            seen.append(relative)
            if len(seen) == after:
                volume.write({**payload("new"), "pipelines/a/components/d.yaml": "new"})
                volume.write(payload("newer"))
            return self.source.read_text(relative)

        def list_files(self, folder: str) -> list[str]:
            return self.source.list_files(folder)

        def read_texts(self, folder: str) -> dict[str, str]:
            return {name: self.read_text(f"{folder}/{name}") for name in self.list_files(folder)}

    texts = Mounted(volume.folder).whole(lambda source: read(Counting(source)))
    assert texts == ({"newer"} if after <= len(NAMES) else {"old"})


def test_a_new_name_is_there_from_the_swap_on(volume: Volume) -> None:
    """Right after the rename the first level has no link to it yet."""
    found: list[str] = []

    def look() -> None:
        found.append(Mounted(volume.folder).whole(lambda source: source.read_text("added.yaml")))

    volume.write({**payload("new"), "added.yaml": "there"}, swapped=look)
    assert found == ["there"]


def test_many_swaps_while_it_is_read_never_give_a_mix(volume: Volume) -> None:
    stop = threading.Event()

    def swap() -> None:
        for number in range(10_000):
            volume.write(payload(f"state {number}"))
            if stop.wait(0.005):
                return

    writer = threading.Thread(target=swap)
    writer.start()
    try:
        states = [Mounted(volume.folder).whole(read) for _ in range(60)]
    finally:
        stop.set()
        writer.join()
    assert all(len(state) == 1 for state in states), states
    assert len(set(map(str, states))) > 1


def test_a_folder_that_changes_all_the_time_is_told(volume: Volume) -> None:
    def swap(source: Source) -> str:
        volume.write(payload("again"))
        return source.name

    with pytest.raises(RemoteError, match="changed 20 times"):
        Mounted(volume.folder).whole(swap)


def test_a_plain_folder_of_a_repository_follows_none(volume: Volume) -> None:
    with pytest.raises(InputError, match="leads out of the repository"):
        Plain.at(volume.folder).whole(read)


def test_credentials_are_read_through_a_swap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid = Volume(tmp_path / "token")
    laid.write({"token": "first"})
    access = Access(token_file=laid.folder / "token", cookies_file=laid.folder / "token")
    assert access.headers() == {"authorization": "Bearer first", "cookie": "first"}
    plain: Callable[[Path], bytes] = Path.read_bytes
    swaps = iter([lambda: laid.write({"token": "second"})])

    def late(path: Path) -> bytes:
        if swap := next(swaps, None):
            swap()
            raise FileNotFoundError(path)  # the dated folder that was looked up is gone
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    assert access.headers()["authorization"] == "Bearer second"


def test_what_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_mounted(tmp_path / "token")


@pytest.mark.parametrize("link", ["manifests", "manifests/dev"])
@pytest.mark.parametrize("what", ["plan", "apply", "status", "disable", "pause"])
def test_a_link_in_the_place_of_an_environment_is_refused(
    repository: Path, command: Callable[..., Outcome], what: str, link: str
) -> None:
    """It may come with a stranger's pull request."""
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    outside = repository.parent / "outside"
    (repository / link).rename(outside)
    (repository / link).symlink_to(outside)
    more = ("--until", "1h") if what == "pause" else ()
    ended = command("reconcile", what, "--root", repository, "--env", "dev", "--patience", "0", *more)
    assert ended.code == 2 and "leads out of the repository" in ended.err, ended.err


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_lock_is_waited_for_so_many_seconds_and_never_for_ever(
    command: Callable[..., Outcome], seconds: str
) -> None:
    ended = command("reconcile", "apply", "--env", "dev", f"--lock-timeout={seconds}")
    assert ended.code == 2 and "no number of seconds" in ended.err
