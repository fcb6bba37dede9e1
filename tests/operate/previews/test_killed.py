"""`up`, `down` and `gc` killed before and after each of their requests: dev is as it was, and nothing is left.

Over HTTP, on a development server: the request that is killed is not sent, or takes effect and is not heard.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.transport import Transport
from kfp_gitops.operate.previews import home, left, proposal, registered, trial
from previews.preview_kit import PREVIEW, edit, everything
from project import Outcome

Command = Callable[..., Outcome]
MOST = 80


class KilledError(BaseException):
    """As by SIGKILL: nothing of it is heard."""


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool) -> Iterator[list[int]]:
    """Within, the nth request is the last one; it is sent or not. The list's length is how many there were."""
    usual, lock, seen = Transport._reply, threading.Lock(), list[int]()

    def reply(self: Transport, *args: Any, **more: Any) -> Any:
        with lock:
            seen.append(len(seen) + 1)
            mine = seen[-1]
        if mine > number or (mine == number and not after):
            raise KilledError
        found = usual(self, *args, **more)
        if mine == number:
            raise KilledError
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Transport, "_reply", reply)
        yield seen


class Previews:
    """What the commands do, without what they read and compile, which is the same each time."""

    def __init__(self, root: Path, server: DevServer, out: Path) -> None:
        self.server, self.home = server, home.of(root, "preview")
        self.proposals = [self.made(root, out / name, pr) for name, pr in (("one", 42), ("other", 43))]
        edit(root, PREVIEW, "items: [one]", "items: [two]")
        edit(root, "environments/dev/values.yaml", "items: [a]", "items: [b]")
        self.proposals.append(self.made(root, out / "later", 42))

    def made(self, root: Path, folder: Path, number: int) -> tuple[Path, proposal.Proposal]:
        folder.mkdir(parents=True)
        return folder, proposal.made(root, "preview", number, "HEAD~1", folder)

    def up(self, which: int = 0) -> None:
        folder, found = self.proposals[which]
        api = KfpApi(self.server.url, "")
        until = api.now().replace(year=2099)
        wanted = registered.wanted(folder, found, self.home, self.server.url, until)
        done = registered.register(api, wanted)
        assert not done.outcome.failed
        trial.start(api, wanted, {one.name: {} for one in wanted.pipelines})

    def down(self, number: int = 42) -> None:
        assert not registered.taken_down(KfpApi(self.server.url, ""), self.home, number).left

    def gc(self) -> None:
        left.collect(KfpApi(self.server.url, ""), self.home.repository)


@pytest.fixture
def previews(dev: Path, server: DevServer, tmp_path: Path) -> Previews:
    """Each of the two touches `hello`; a later push of the first `bye`, too."""
    import gitrepo

    edit(dev, PREVIEW, "items: [one]", "items: [first]")
    gitrepo.commit(dev, "a change")
    edit(dev, PREVIEW, "items: [first]", "items: [one]")
    gitrepo.commit(dev, "the pull request")
    return Previews(dev, server, tmp_path / "out")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_up_that_is_killed_is_begun_anew_or_taken_down(
    previews: Previews, api: KfpApi, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    previews.up(1)
    beside = everything(api)
    for number in itertools.count(1):
        assert number < MOST
        with killed(monkeypatch, number, after=after) as seen:
            try:
                previews.up(2 if number % 2 else 0)
            except KilledError:
                pass
            else:
                break
        if number % 3 == 0:
            previews.up()  # the workflow is run again
            assert len(api.runs_called_like("pr-42-hello-")) == 1
        previews.down()
        assert everything(api) == beside, f"killed at request {number}"
    previews.down()
    assert len(seen) > 10
    assert everything(api) == beside


@pytest.mark.timeout(600)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_a_killed_down_leaves_is_collected(
    previews: Previews, api: KfpApi, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    previews.up(1)
    beside = everything(api)
    for number in itertools.count(1):
        assert number < MOST
        previews.up(2)
        whole = everything(api)
        with killed(monkeypatch, number, after=after) as seen:
            try:
                previews.down()
            except KilledError:
                pass
            else:
                break
        begun = [
            key for key, found in everything(api).items() if key != "experiments" and found != whole[key]
        ]
        previews.gc()
        if everything(api) != beside:  # nobody has said yet that its time is over
            assert begun == [], f"killed at request {number}: what is left stays until its time is over"
            previews.down()
        assert everything(api) == beside, f"killed at request {number}"
    assert len(seen) > 10
    assert everything(api) == beside
