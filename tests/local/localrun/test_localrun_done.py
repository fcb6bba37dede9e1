"""A run that is begun again in its folder: what succeeded is kept with what it gave, the rest is done."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from kfp import dsl
from kfp_gitops.local.localrun import Event, execute
from kfp_gitops.local.localrun.done import Done
from localrun_kit import Finished, compiled, component, context, listing, read, write
from servers.prepared import Prepared


@component
def needs(path: str) -> str:
    from pathlib import Path

    return Path(path).read_text()


def pipeline(folder: str):
    data = write(value="kept")
    with dsl.ParallelFor(listing(value=["a", "b"]).output) as name:
        each = needs(path=f"{folder}/{name}").set_retry(num_retries=1, backoff_duration="0s")
    last = listing(value=dsl.Collected(each.output))
    read(data=data.outputs["data"]).after(last)
    with dsl.ExitHandler(needs(path=f"{folder}/a")):
        needs(path=f"{folder}/a")


def begun(folder: Path) -> Finished:
    """Once more in the same folder."""
    events: list[Event] = []
    given = context(folder, done=Done(folder / "done.jsonl"))
    outcome = execute(compiled(pipeline, folder), {"folder": str(folder)}, given, events.append)
    return Finished(outcome, events, given.run_dir)


@pytest.fixture(scope="module")
def twice(executor: Prepared, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Finished]:
    """Two attempts at one run; an iteration of its loop lacks a file in the first."""
    folder = tmp_path_factory.mktemp("twice")
    (folder / "a").write_text("of a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kfp_gitops.local.localrun.tasks.sys", SimpleNamespace(executable=executor.program))
        first = begun(folder)
        (folder / "a").unlink()  # nobody is to need it any more
        (folder / "b").write_text("of b")
        return first, begun(folder)


def test_only_what_failed_or_waited_for_it_runs_again(twice):
    first, second = twice
    assert (first.state, second.state) == ("FAILED", "SUCCEEDED")
    assert second.ran() == {"for-loop-1/1/needs", "listing-2", "read"}
    assert first.ran() == {
        *("write", "listing", "for-loop-1/0/needs", "for-loop-1/1/needs"),
        *("needs-2", "exit-handler-2/needs-3"),
    }


def test_what_was_kept_gives_what_it_gave(twice):
    _, second = twice
    assert second.received("listing-2") == ["of a", "of b"]
    assert second.received("read") == "kept"
    assert second.received("read", "METADATA")["size"] == 4


def test_what_was_kept_is_told_once(twice):
    _, second = twice
    assert set(second.last()) == {
        "for-loop-1", "for-loop-1/1", "for-loop-1/1/needs", "listing-2", "read",
    }  # fmt: skip
    assert [event.state for event in second.of("for-loop-1")] == ["RUNNING", "SUCCEEDED"]


def test_the_attempts_and_the_log_of_what_failed_begin_anew(twice):
    _, second = twice
    assert [event.attempt for event in second.of("for-loop-1/1/needs")] == [1, 1]
    assert "FileNotFoundError" not in second.log("for-loop-1/1/needs")


def test_a_line_that_was_not_finished_is_of_what_is_done_again(tmp_path):
    path = tmp_path / "done.jsonl"
    path.write_text(
        '{"task_id": "a", "outputs": {"parameters": {"n": 1}, "artifacts": {}}}\n[]\n{"task_id": "b", "ou'
    )
    done = Done(path)
    assert done.outputs("a").parameters == {"n": 1}
    assert done.outputs("b") is None
