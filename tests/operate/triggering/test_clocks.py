"""Clocks that go wrong: days ahead for a pass, or back. Nothing is started twice, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from kfp_gitops.reconcile.causes.state import standings
from trigger_kit import Place, after, pipeline

DAY = 86400


def chain(days: int = 3, **more: object) -> Place:
    """`down` runs after `up`, and has done so for some days."""
    found = Place(pipeline("up"), pipeline("down", after(**more)))
    for name in ("up", "down"):
        found.server.registers(name)
    found.look()
    found.server.advance(days * DAY)
    found.look()
    return found


def ahead_for_a_pass(here: Place, by: int = 3 * DAY) -> None:
    here.server.offset += by
    here.look()
    here.server.offset -= by


def test_a_pass_that_is_days_ahead_forgets_nothing_that_was_dealt_with() -> None:
    here = chain()
    here.server.runs_of("up")
    here.passes(2)
    del here.server.runs[here.server.made_by[0].id]
    ahead_for_a_pass(here)
    here.server.advance(60)
    here.passes(3)
    assert len(here.started) == 1


def test_a_pass_that_is_days_ahead_misses_nothing_that_has_just_ended() -> None:
    here = chain()
    here.server.runs_of("up")
    ahead_for_a_pass(here)
    here.server.advance(60)
    here.passes(3)
    assert len(here.started) == 1
    assert [one.missed for one in standings(here.state)] == [()]


@pytest.mark.parametrize(("back", "later"), [(7200, 0), (4600, 1500)])
def test_what_ends_after_a_clock_went_back_is_not_from_before_the_trigger(back: int, later: int) -> None:
    here = chain(days=0)
    here.server.advance(3600)
    here.look()
    here.server.offset -= back
    here.server.runs_of("up")
    here.server.advance(later)
    here.look()
    assert len(here.started) == 1


def test_what_ended_in_the_second_in_which_a_pause_is_seen_is_not_missed() -> None:
    here = chain()
    here.server.lasts = 600
    here.server.runs_of("up")
    here.look()
    here.server.runs_of("up")
    running, until = here.desired, here.server.told() + timedelta(hours=1)
    paused = tuple(replace(one, paused_until=until) for one in running.pipelines)
    here.desired = replace(running, pipelines=paused)
    here.passes(3)
    here.server.advance(3600)
    here.passes(3)
    assert len(here.started) == 2
