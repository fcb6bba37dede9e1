"""One pass after the other: what is started, what waits, what is missed."""

from __future__ import annotations

from trigger_kit import Place, after, pipeline


def place(**more: object) -> Place:
    found = Place(pipeline("up"), pipeline("down", after(**more)))
    found.server.registers("up")
    found.server.registers("down")
    return found


def test_each_run_of_the_upstream_starts_one() -> None:
    here = place()
    here.look()
    first = here.server.runs_of("up")
    here.server.advance(60)
    assert here.look().started == 1
    assert here.passes(5).started == 0
    (run,) = here.server.made_by
    assert run.name.startswith("down-t-")
    assert f"cause={first.id}" in run.description
