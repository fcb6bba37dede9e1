"""Asking only for what is new: with what was kept it is the same as asking for everything, whatever came late."""

import gzip
import json
from dataclasses import dataclass, field

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.errors import RegistryError
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.retention import KEPT, USAGE
from predictive_scaling.usage import kept
from predictive_scaling.usage.assembly import KEYS
from predictive_scaling.usage.extending import EXTEND, HOUR, LATE_HOURS, RENEW, Request, brought
from predictive_scaling.usage.kept import DAY
from predictive_scaling.usage.prometheus import Span
from profiles import examples

STEP, DAYS, START = 900, 3, 1_704_067_200  # 2024-01-01T00:00:00Z
COLUMNS = ("cpu", "memory")
SERVICES = ("null", "web,1", "ünder")  # as odd as names in a table can be


@dataclass
class World:
    """A Prometheus: values by instant and service, when each came, and what it was asked for."""

    came: dict = field(default_factory=dict)  # (instant, service) -> (arrival, value)
    now: int = 0
    asked: list = field(default_factory=list)
    forgets: int = 0

    @classmethod
    def of(cls, until, late=()):
        world = cls()
        for at in range(START, until, STEP):
            for number, service in enumerate(SERVICES):
                value = ((at // STEP * 7919 + number) % 1009) / 3.0
                world.came[at, service] = (at + STEP, value)
        for at, service, arrival in late:
            if (at, service) in world.came:
                world.came[at, service] = (arrival, world.came[at, service][1])
        return world

    def visible(self, span):
        return {
            place: value
            for place, (arrival, value) in self.came.items()
            if arrival <= self.now and max(span.start, self.forgets) <= place[0] < span.end
        }

    def ask(self, span):
        self.asked.append(span)
        rows = [
            (
                pd.Timestamp(at, unit="s").strftime("%Y-%m-%dT%H:%M:%SZ"),
                service,
                "Deployment",
                "",
                value,
                None,
            )
            for (at, service), value in sorted(self.visible(span).items())
        ]
        table = pd.DataFrame(rows, columns=[*KEYS, *COLUMNS])
        return table.astype(dict.fromkeys(COLUMNS, "float64"))

    def request(self, asked="a", columns=COLUMNS, days=DAYS):
        end = self.now // STEP * STEP
        span = Span(end - days * DAY, end, STEP)
        seen = {}
        for at, _ in self.visible(Span(span.start - STEP, span.end, STEP)):
            if (at + STEP) % HOUR == 0 or at + STEP == end:
                seen[at + STEP] = seen.get(at + STEP, 0.0) + 1
        first = max(min(seen, default=span.end) - HOUR, span.start)
        return Request(asked, columns, span.start, Span(first, end, STEP), seen)


def table(rows):
    return rows.sort_values(KEYS).reset_index(drop=True)


def extended(world, registry, how=EXTEND, **wishes):
    world.asked.clear()
    rows, told = brought(registry, world.request(**wishes), world.ask, how)
    return table(rows), told


def whole(world):
    found = table(world.ask(world.request().span))
    world.asked.pop()
    return found


def same(world, registry):
    rows, told = extended(world, registry)
    pd.testing.assert_frame_equal(rows, whole(world), check_dtype=False)
    return told


@pytest.fixture
def registry(tmp_path):
    return open_registry(str(tmp_path / "registry"))


@pytest.fixture
def world():
    made = World.of(START + 6 * DAY)
    made.now = START + 4 * DAY + 5 * 60
    return made


def hours_asked(world):
    return sum(span.points for span in world.asked) * STEP / HOUR


def test_second_run_asks_for_what_is_new_and_one_kept_day(world, registry):
    assert "everything was asked for: nothing was kept yet" in same(world, registry)
    world.now += 3 * HOUR
    told = same(world, registry)
    assert told == "10.0 h were asked for anew, what is before them had been kept"
    # What is new, the newest hours of what was kept, and a day whose turn it is; of 72 hours.
    assert hours_asked(world) < 3 + 1 + LATE_HOURS + 24 + 1
    assert all(each.start >= world.now - DAYS * DAY - HOUR for each in world.asked)


def test_every_kept_day_is_asked_for_again_within_as_many_runs(world, registry):
    same(world, registry)
    looked = set()
    for _ in range(DAYS + 1):
        world.now += 3 * HOUR
        same(world, registry)
        looked |= {at // DAY for span in world.asked for at in range(span.start, span.end, STEP)}
    assert looked >= set(range((world.now - DAYS * DAY) // DAY, world.now // DAY + 1))


LATE = st.tuples(st.integers(0, 5 * 96 - 1), st.sampled_from(SERVICES), st.integers(0, LATE_HOURS * HOUR))


@settings(max_examples=examples(20), deadline=None)
@given(
    runs=st.lists(st.integers(10 * 60, 30 * HOUR), min_size=2, max_size=6),
    late=st.lists(LATE, max_size=12),
)
def test_with_what_was_kept_it_is_the_same_at_whatever_times_runs_come(runs, late, tmp_path_factory):
    """Samples may be late by as much as is asked for again."""
    registry = open_registry(str(tmp_path_factory.mktemp("registry")))
    moved = [(START + at * STEP, service, START + (at + 1) * STEP + delay) for at, service, delay in late]
    world = World.of(START + 5 * DAY, moved)
    world.now = START + 2 * DAY
    for gap in runs:
        same(world, registry)
        world.now += gap


@settings(max_examples=examples(20), deadline=None)
@given(
    hole=st.tuples(st.integers(0, 90), st.integers(4, 12), st.sampled_from(SERVICES)),
    delay=st.integers(1, 60),
)
def test_hour_that_comes_however_late_is_found_by_the_number_of_series(hole, delay, tmp_path_factory):
    registry = open_registry(str(tmp_path_factory.mktemp("registry")))
    first, length, service = hole
    arrival = START + 2 * DAY + delay * HOUR
    moved = [(START + at * STEP, service, arrival) for at in range(first, first + length)]
    world = World.of(START + 6 * DAY, moved)
    for at in range(START + 2 * DAY + 300, START + 5 * DAY, 7 * HOUR):
        world.now = at
        same(world, registry)


def test_single_sample_that_comes_days_late_is_found_when_the_turn_is_its_days(registry):
    at = START + DAY + 5 * STEP  # between two whole hours, so that no hour has another number of series
    world = World.of(START + 6 * DAY, [(at, SERVICES[0], START + 3 * DAY)])
    world.now = START + 3 * DAY - HOUR
    same(world, registry)
    world.now += 2 * HOUR
    told = []
    for _ in range(DAYS + 1):
        rows, said = extended(world, registry)
        told.append(said)
        if rows.equals(whole(world)):
            break
        world.now += 15 * 60
    assert "usage of null from 2024-01-02T01:15:00Z on is not what it was" in told[-1]
    pd.testing.assert_frame_equal(rows, whole(world), check_dtype=False)


@pytest.mark.parametrize(
    ("hours", "told"),
    [(2, "; 1 rows of them came late"), (5, "everything was asked for: usage of null from")],
)
def test_sample_that_comes_late_is_taken_in_and_a_very_late_one_asks_for_everything(registry, hours, told):
    at = START + 4 * DAY - hours * HOUR + STEP
    world = World.of(START + 6 * DAY, [(at, SERVICES[0], START + 4 * DAY + HOUR)])
    world.now = START + 4 * DAY + 5 * 60
    same(world, registry)
    world.now += 3 * HOUR
    assert told in same(world, registry)
    world.now += 3 * HOUR
    assert "late" not in same(world, registry)


def test_what_prometheus_forgets_is_not_taken_from_what_is_kept(world, registry):
    same(world, registry)
    world.now += 3 * HOUR
    world.forgets = START + 3 * DAY
    rows, told = extended(world, registry)
    pd.testing.assert_frame_equal(rows, whole(world), check_dtype=False)
    assert "had been kept" in told
    assert rows["timestamp"].min() == "2024-01-04T00:00:00Z"


def test_bucket_keeps_it_as_a_folder_does(world, swift, tmp_path):
    bucket = open_registry(f"s3://mlpipeline/{tmp_path.name}")
    assert "nothing was kept yet" in same(world, bucket)
    world.now += 3 * HOUR
    assert "had been kept" in same(world, bucket)
    bucket.delete(next(each.key for each in bucket.objects_under(USAGE) if each.key != KEPT))
    assert "everything was asked for: " in same(world, bucket)


def test_other_question_asks_for_everything(world, registry):
    same(world, registry)
    _, told = extended(world, registry, asked="b")
    assert "everything was asked for: other things were asked for" in told


def test_more_days_than_are_kept_ask_for_everything(world, registry):
    same(world, registry)
    _, told = extended(world, registry, days=DAYS + 1)
    assert "begins after what is wanted" in told


def test_days_that_a_run_in_between_did_not_want_are_not_missed(world, registry):
    same(world, registry)
    world.now += 3 * HOUR
    assert "had been kept" in extended(world, registry, days=1)[1]
    assert "begins after what is wanted" in same(world, registry)
    assert "had been kept" in extended(world, registry, days=1)[1]


def test_renewing_asks_for_everything_and_says_nothing_of_it(world, registry):
    same(world, registry)
    world.now += 3 * HOUR
    rows, told = extended(world, registry, RENEW)
    assert (told, len(world.asked)) == ("", 1)
    pd.testing.assert_frame_equal(rows, whole(world), check_dtype=False)


def test_long_stand_still_extends_or_asks_for_everything(world, registry):
    same(world, registry)
    world.now += DAY
    assert "had been kept" in same(world, registry)
    world.now = START + 20 * DAY
    world.came |= World.of(START + 20 * DAY).came
    assert "ends before it" in same(world, registry)


def spoilt(registry, change):
    """What is kept, changed by somebody who knows how digests are made."""
    document = json.loads(registry.get(KEPT))
    piece = document["pieces"][1]
    text = gzip.decompress(registry.get(f"{USAGE}/{piece['sha256']}.csv.gz")).decode()
    data = gzip.compress(change(text).encode())
    piece["sha256"] = sha256(data)
    registry.put(f"{USAGE}/{piece['sha256']}.csv.gz", data)
    registry.put(KEPT, json.dumps(document).encode())


FORGED = {
    "another column": lambda text: text.replace("memory", "money", 1),
    "a row twice": lambda text: text + text.splitlines()[-1] + "\n",
    "another day": lambda text: text.replace("2024-01-03T00:00", "2024-01-09T00:00"),
    "off the grid": lambda text: text.replace("2024-01-03T00:00:00Z", "2024-01-03T00:00:07Z"),
    "no instant": lambda text: text.replace("2024-01-03T00:00:00Z", "yesterday"),
    "no number": lambda text: text.replace(",,", ",,many", 1),
    "no table": lambda _: "\0\0",
    "without services": lambda text: text.replace("null", ""),
    "a bomb": lambda _: "timestamp," * (14 * 2**20),
}


@pytest.mark.parametrize("how", FORGED)
def test_piece_that_is_not_ours_asks_for_everything(world, registry, how):
    same(world, registry)
    spoilt(registry, FORGED[how])
    assert "a piece of what was kept cannot be read" in same(world, registry)


def test_piece_whose_bytes_are_not_those_of_its_digest_asks_for_everything(world, registry):
    same(world, registry)
    piece = json.loads(registry.get(KEPT))["pieces"][1]
    key = f"{USAGE}/{piece['sha256']}.csv.gz"
    text = gzip.decompress(registry.get(key)).decode()
    registry.put(key, gzip.compress(text.replace(".0", ".5", 1).encode()))
    assert "it is not what was kept under its name" in same(world, registry)


def test_value_that_was_forged_is_found_when_the_turn_is_its_days(world, registry):
    same(world, registry)
    spoilt(
        registry, lambda text: text.replace(text.splitlines()[5], text.splitlines()[5].replace(".", "9.", 1))
    )
    told = []
    for _ in range(DAYS + 2):
        world.now += 3 * HOUR
        told.append(extended(world, registry)[1])
    assert sum("is not what it was" in each for each in told) == 1


POINTERS = {
    "no JSON": b"{",
    "another schema": b'{"schema": "x"}',
    "a list": b"[]",
    "no pieces": {"pieces": []},
    "days missing": lambda document: document["pieces"].pop(1),
    "no digests": lambda document: document["pieces"][0].update(sha256="../../x"),
    "a thousand days": lambda document: document["pieces"].extend([document["pieces"][0]] * 1000),
    "endless": {"until": 10**30},
    "no number": {"since": "x"},
    "odd hours": {"seen": [[1, 2, 3]]},
}


@pytest.mark.parametrize("how", POINTERS)
def test_pointer_that_is_not_ours_asks_for_everything(world, registry, how):
    same(world, registry)
    change = POINTERS[how]
    document = json.loads(registry.get(KEPT))
    if isinstance(change, dict):
        document |= change
    elif callable(change):
        change(document)
    registry.put(KEPT, change if isinstance(change, bytes) else json.dumps(document).encode())
    assert "everything was asked for: " in same(world, registry)
    world.now += HOUR
    assert "had been kept" in same(world, registry)  # it has healed


@pytest.mark.parametrize("lost", [KEPT, "piece"])
def test_lost_object_asks_for_everything(world, registry, lost):
    same(world, registry)
    keys = [each.key for each in registry.objects_under(USAGE)]
    registry.delete(KEPT if lost == KEPT else next(key for key in keys if key != KEPT))
    assert "everything was asked for: " in same(world, registry)


class Dies:
    """A registry whose process is killed at its n-th write, before it or after it."""

    def __init__(self, inner, at):
        self.inner, self.left = inner, at

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def put(self, key, data):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        self.inner.put(key, data)


@pytest.mark.parametrize("writes", range(6))
@pytest.mark.parametrize("first", [True, False])
def test_run_that_is_killed_between_two_writes_leaves_what_was_kept_before_whole(
    world, registry, writes, first
):
    if not first:
        same(world, registry)
        world.now += 2 * DAY
    try:
        extended(world, Dies(registry, writes))
        ended = True
    except KeyboardInterrupt:
        ended = False
    world.now += 3 * HOUR
    told = same(world, registry)
    assert ("had been kept" in told) is (ended or not first)


def test_registry_that_takes_nothing_is_told_and_fails_no_run(world, registry, monkeypatch):
    def full(key, data):
        raise RegistryError("no space left")

    monkeypatch.setattr(registry, "put", full)
    assert "it was not kept for the next run: no space left" in same(world, registry)


def test_day_that_is_too_large_to_be_read_again_is_not_kept(world, registry, monkeypatch):
    monkeypatch.setattr(kept, "MAX_TEXT", 1000)
    assert "it was not kept for the next run" in same(world, registry)
    assert registry.objects_under(USAGE) == []


def test_samples_that_may_still_come_are_not_kept(world, registry):
    same(world, registry)
    until = json.loads(registry.get(KEPT))["until"]
    assert (until % HOUR, world.now - until >= 900) == (0, True)
