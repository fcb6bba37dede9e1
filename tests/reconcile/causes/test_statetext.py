"""What is kept of triggers as text: all of it comes back, it is bounded, and nothing is believed that is damaged."""

from __future__ import annotations

import base64
import json
import random
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.reconcile.causes import statetext
from kfp_gitops.reconcile.causes.seams import DataState
from kfp_gitops.reconcile.causes.standing import Missed, Started, Waiting
from kfp_gitops.reconcile.causes.state import Closed, DataSeen, Intent, Kept, State

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
MOMENTS = st.integers(0, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds))
DIGESTS = st.binary(min_size=8, max_size=8).map(bytes.hex)
TEXTS = st.text(max_size=20)
WAITING = st.builds(Waiting, TEXTS, DIGESTS, MOMENTS, TEXTS, st.integers(0, 9))
KEPT = st.builds(
    Kept,
    on=DIGESTS,
    first=MOMENTS,
    floor=st.none() | MOMENTS,
    since=st.none() | MOMENTS,
    closed=st.none() | st.builds(Closed, MOMENTS, MOMENTS, st.none() | MOMENTS),
    spells=st.lists(st.tuples(MOMENTS, MOMENTS), max_size=2).map(tuple),
    data=st.lists(
        st.builds(DataSeen, TEXTS, MOMENTS, st.builds(DataState, TEXTS, TEXTS, TEXTS, st.none() | MOMENTS)),
        max_size=2,
    ).map(tuple),
    states=st.lists(DIGESTS, max_size=3).map(tuple),
    waiting=st.lists(WAITING, max_size=2).map(tuple),
    held=TEXTS,
    missed=st.lists(st.builds(Missed, TEXTS, MOMENTS, TEXTS, MOMENTS), max_size=2).map(tuple),
    last=st.none() | st.builds(Started, TEXTS, TEXTS, TEXTS, MOMENTS),
    problem=TEXTS,
)
STATES = st.builds(
    State,
    at=st.none() | MOMENTS,
    deep=st.none() | MOMENTS,
    horizon=st.none() | MOMENTS,
    triggers=st.dictionaries(TEXTS, KEPT, max_size=2),
    handled=st.dictionaries(
        st.integers(0, 10**6), st.frozensets(DIGESTS, min_size=1, max_size=3), max_size=3
    ),
    intents=st.dictionaries(
        TEXTS,
        st.builds(Intent, TEXTS, DIGESTS, MOMENTS, st.integers(0, 9), st.booleans(), st.booleans()),
        max_size=2,
    ),
    ours=st.frozensets(DIGESTS, max_size=3),
)


@given(STATES)
def test_all_of_it_comes_back(state: State) -> None:
    found = statetext.text(state)
    assert statetext.read(found) == state
    assert len(found.splitlines()) == 1


@given(STATES, st.data())
def test_what_is_damaged_is_not_believed_and_breaks_nothing(state: State, data: st.DataObject) -> None:
    found = statetext.text(state)
    place = data.draw(st.integers(0, len(found) - 1))
    other = found[:place] + data.draw(st.text(max_size=3)) + found[place + data.draw(st.integers(1, 5)) :]
    assert statetext.read(other) in (None, state)
    assert statetext.read(data.draw(st.text(max_size=50))) is None


def test_a_well_packed_text_of_something_else_is_not_believed() -> None:
    for plain in (b"[]", b"{}", b'{"at": "x"}', b"[" * 100_000, b'{"at":1e400}'):
        assert statetext.read(statetext.FORM + base64.b64encode(zlib.compress(plain)).decode()) is None
    whole = json.loads(
        zlib.decompress(base64.b64decode(statetext.text(State(NOW)).removeprefix(statetext.FORM)))
    )
    for key in whole:
        left = {name: value for name, value in whole.items() if name != key}
        packed = base64.b64encode(zlib.compress(json.dumps(left).encode())).decode()
        assert statetext.read(statetext.FORM + packed) is None


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize("key", ["at", "deep", "horizon", "first", "floor", "since"])
def test_instants_that_no_clock_shows_are_not_believed(key: str, year: int) -> None:
    """They could not be reckoned with: every pass to come would end at them."""
    moment = datetime(year, 1, 1, tzinfo=UTC)
    kept, state = Kept("0" * 8, NOW, NOW, NOW), State(NOW, NOW, NOW)
    changed: dict[str, Any] = {key: moment}
    if key in vars(state):
        state = replace(state, triggers={"p/t": kept}, **changed)
    else:
        state = replace(state, triggers={"p/t": replace(kept, **changed)})
    assert statetext.read(statetext.text(state)) is None


def test_a_text_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    bomb = zlib.compress(b"0" * (1 << 25))
    assert statetext.read(statetext.FORM + base64.b64encode(bomb).decode()) is None


def _many(number: int) -> State:
    rng = random.Random(7)
    digests = [rng.randbytes(8).hex() for _ in range(number)]
    handled = {hour: frozenset(digests[hour::25]) for hour in range(25)}
    waits = tuple(Waiting(f"run {one}", one, NOW, "why") for one in digests[:100])
    kept = Kept("00000000", NOW, NOW, NOW, waiting=waits)
    return State(NOW, NOW, NOW, {f"p{n}/t": kept for n in range(1_000)}, handled)


def test_of_more_than_there_is_room_for_the_oldest_is_forgotten_first() -> None:
    state = _many(10_000)
    found = statetext.text(state)
    assert len(found) <= statetext.MOST
    assert statetext.read(found) == state  # 10,000 causes of 1,000 triggers in a day have room
    state = replace(_many(40_000), triggers={})
    found = statetext.text(state)
    assert len(found) <= statetext.MOST
    kept = statetext.read(found)
    assert kept
    assert min(kept.handled) > 0
    assert max(kept.handled) == 24


def test_whatever_happens_it_has_room() -> None:
    rng = random.Random(7)
    wide = {
        f"p{n}/t": Kept("00000000", NOW, problem=rng.randbytes(400).hex(), waiting=()) for n in range(1_000)
    }
    found = statetext.text(State(NOW, triggers=wide))
    assert len(found) <= statetext.MOST
    assert statetext.read(found) == State(NOW)


def test_of_far_too_much_what_may_be_on_its_way_is_forgotten_last() -> None:
    intents = {"p-t-0": Intent("run 1", "00" * 8, NOW, unclear=True)}
    noise = base64.b85encode(random.Random(1).randbytes(300_000)).decode()
    state = State(NOW, NOW, NOW, {"p/t": Kept("on", NOW, problem=noise)}, intents=intents)
    text = statetext.text(state)
    found = statetext.read(text)
    assert len(text) <= statetext.MOST
    assert found is not None
    assert (found.intents, found.triggers) == (intents, {})
