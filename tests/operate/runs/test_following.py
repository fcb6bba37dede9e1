"""A run is followed until two reads of it agree: KFP stores the run's end and its tasks' one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import recordings
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.kfpapi.models import Compiled, RunState
from kfp_gitops.kfpserver.runtree import Record
from kfp_gitops.operate import following
from kfp_gitops.operate.following import Known, Watch
from kfp_gitops.operate.runlook import reason

_RUN = recordings.read("hello-failed")
_UNDER_WAY = tuple(
    replace(record, state="RUNNING", ended=None) if record.name in ("say", "executor") else record
    for record in _RUN.records
)


class _Api:
    """Tells a run as it stands at each read, and then always as at the last."""

    def __init__(self, *reads: tuple[str, tuple[Record, ...]]) -> None:
        self.reads, self.asked = list(reads), 0

    def run(self, run_id: str) -> RunState:
        self.asked += 1
        state, tasks = self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]
        return RunState(run_id, "r", state, None, None, None, tasks, pipeline_id="p", version_id="v")

    def compiled(self, _pipeline: str, _version: str) -> Compiled | None:
        return Compiled("sha-1", _RUN.spec or {})

    def run_link(self, run_id: str) -> str:
        return run_id


def _watch(api: _Api) -> Watch:
    return Watch(api, Known({}, {}, lambda _: {}), sleep=lambda _: None)  # type: ignore[arg-type]  # a fake


@pytest.fixture
def said() -> list[str]:
    return []


def _lines(shown: following.Shown) -> Iterator[str]:
    return (line.split(" (")[0] for line in following.table(shown))


def test_tasks_that_still_run_under_a_run_that_ended_are_read_once_more(said: list[str]) -> None:
    api = _Api(("RUNNING", _UNDER_WAY), ("FAILED", _UNDER_WAY), ("FAILED", _RUN.records))
    shown = following.follow(_watch(api), "r", said.append, None)
    assert list(_lines(shown)) == ["FAILED     r", "  FAILED     say"]
    assert [line.split(" (")[0] for line in said] == [
        "run r: RUNNING",
        "  say: RUNNING",
        "run r: FAILED",
        "  say: FAILED",
    ]
    assert api.asked == 4  # running, ended, ended with its tasks, and the same again


def test_two_reads_that_differ_are_not_the_end(said: list[str]) -> None:
    """A read in which the last node is not there yet has no task under way either."""
    early = tuple(record for record in _RUN.records if not record.name.startswith(("say", "executor")))
    api = _Api(("FAILED", early), ("FAILED", _RUN.records))
    shown = following.follow(_watch(api), "r", said.append, None)
    assert list(_lines(shown)) == ["FAILED     r", "  FAILED     say"]


def test_an_error_is_told_where_a_server_tells_one() -> None:
    """None of the API says why: `error` is never set by KFP 2.17.0."""
    shown = _watch(_Api(("FAILED", _RUN.records))).look("r")
    assert not any("error" in line for line in following.table(shown))
    told = replace(shown, run=replace(shown.run, error="it broke"))
    assert following.table(told)[-1] == "  error: it broke"
    failed = replace(shown, run=replace(shown.run, state="FAILED", history=()))
    assert any("no task tells why" in line for line in reason.told(None, failed, "link", 80))
    assert [*reason.told(None, replace(failed, run=replace(failed.run, error="it broke")), "link", 80)] == []
    hides = replace(failed, run=replace(failed.run, error="it broke:\n token=abcdefgh " + "x" * 400))
    said = reason.in_a_line(None, hides)
    assert (said[:26], len(said)) == ("it broke: token=[hidden] x", 300)
    assert reason.in_a_line(None, failed) == ""


def test_what_never_settles_is_shown_after_some_reads(said: list[str]) -> None:
    api = _Api(("FAILED", _UNDER_WAY))
    shown = following.follow(_watch(api), "r", said.append, None)
    assert (shown.run.state, api.asked) == ("FAILED", 11)


def test_the_pipeline_is_read_once(said: list[str]) -> None:
    class _Counted(_Api):
        read = 0

        def compiled(self, pipeline: str, version: str) -> Compiled | None:
            self.read += 1
            return super().compiled(pipeline, version)

    api = _Counted(*[("RUNNING", _UNDER_WAY)] * 3, ("FAILED", _RUN.records))
    following.follow(_watch(api), "r", said.append, None)
    assert api.read == 1


def test_the_timeout_says_that_the_run_goes_on(said: list[str]) -> None:
    with pytest.raises(RemoteError, match="is still RUNNING after 0 s; it goes on"):
        following.follow(_watch(_Api(("RUNNING", _UNDER_WAY))), "r", said.append, 0)


@pytest.mark.parametrize("gone", [None, Compiled("sha-1", {})])
def test_a_run_whose_version_is_gone_is_shown_by_its_nodes(
    gone: Compiled | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = _Api(("FAILED", _RUN.records))
    answer: Callable[[str, str], Compiled | None] = lambda *_: gone  # noqa: E731
    monkeypatch.setattr(api, "compiled", answer)
    watch = _watch(api)
    assert list(_lines(watch.look("r"))) == ["FAILED     r", "  FAILED     say"]
