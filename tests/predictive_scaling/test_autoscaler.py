"""The autoscaler that is played does what one did on Kubernetes 1.37, and what can be worked out by hand."""

import numpy as np
import pytest
from predictive_scaling.recommend.acting.autoscaler import (
    SYNCS_PER_MINUTE,
    Autoscaler,
    Counts,
    Extreme,
    Pods,
    played,
)

AT_ONCE = Autoscaler(ready_minutes=0)


def row(*values: float) -> Counts:
    return np.array(values, dtype=np.float32)


def course(pods: Pods, demand: float, floor: float, syncs: int) -> list[int]:
    """Pods after each sync."""
    found = []
    for _ in range(syncs):
        pods.sync(row(demand), row(floor))
        found.append(int(pods.ordered[0]))
    return found


@pytest.mark.parametrize(
    ("behaviour", "seen"),
    [(False, [4, 8, 16, 32, 64, 83, 83]), (True, [6, 12, 24, 48, 83, 83, 83])],
    ids=["no behavior", "any behavior"],
)
def test_a_floor_of_83_is_climbed_to_in_the_steps_that_were_seen(behaviour: bool, seen: list[int]) -> None:
    pods = Pods(row(1.4), row(2), Autoscaler(0, behaviour=behaviour))
    assert course(pods, 1.4, 83, 7) == seen


def test_a_floor_that_falls_is_left_after_five_minutes_all_at_once() -> None:
    pods = Pods(row(3.5), row(28), AT_ONCE)
    course(pods, 3.5, 28, 3)
    # Seen: after 4 min 55 s. The first sync that sees the new floor comes up to 15 s late.
    assert course(pods, 3.5, 5, 21) == [28] * 19 + [5, 5]


def test_cpu_within_ten_percent_of_the_target_changes_nothing_but_a_floor_does() -> None:
    pods = Pods(row(14), row(20), AT_ONCE)
    assert course(pods, 14 * 1.09, 0, 40)[-1] == 20
    assert course(pods, 14 * 0.91, 0, 40)[-1] == 20
    assert course(pods, 14, 21, 2)[-1] == 21  # 5 % above the count: exact, by scaleUp.tolerance 0
    assert course(Pods(row(14), row(20), AT_ONCE), 14 * 1.11, 0, 40)[-1] == 23  # 15.54 / 0.7, rounded up


def test_demand_beyond_what_is_ready_shows_as_full_use_and_no_more() -> None:
    pods = Pods(row(7), row(10), Autoscaler(ready_minutes=5))
    # The minute's mean is 7, 7.75, 8.5, 9.25, 10: over 0.7 that is 10, 11.1, 12.1, 13.2, 14.3, within 10 % or not.
    assert course(pods, 100, 0, 6) == [10, 12, 12, 14, 14, 14]
    # What starts counts as idle, so 14 stay until the first are ready, 20 syncs after their order.
    assert set(course(pods, 100, 0, 16)) == {14}
    assert course(pods, 100, 0, 10)[-1] == 19  # 14 / 0.7 are 20, which is within 10 %


def test_pods_serve_only_when_ready_and_are_paid_for_before() -> None:
    demand, floors = np.full((12, 1), 5.6), np.full((12, 1), 12.0)
    floors[:2] = 8.0
    demand[4:] = 7.0
    found = played(demand, floors, Autoscaler(ready_minutes=5))
    assert found.ordered[:, 0].tolist() == [8, 8, *[12] * 10]
    assert found.ready[:, 0].tolist() == [*[8] * 7, *[12] * 5]
    assert found.tight[:, 0].tolist()[2:9] == [0, 0, 1, 1, 1, 0.25, 0]  # 7 of 8, then of 12
    assert found.unserved.max() == 0


def test_a_minute_is_unserved_by_the_share_of_its_syncs() -> None:
    demand = np.array([[7.0], [20.0], [20.0], [20.0]])
    found = played(demand, np.zeros((4, 1)), AT_ONCE)
    # 10 pods; use of the minute before 7, 7.75, 8.5, 9.25, 10: the first step comes at the second sync of minute 1.
    assert found.unserved[0, 0] == 0
    assert found.unserved[1, 0] == 1
    assert 0 < found.unserved[2, 0] < 1
    assert found.unserved[3, 0] == 0


def test_the_youngest_pods_go_first() -> None:
    pods = Pods(row(7), row(10), Autoscaler(ready_minutes=10))
    course(pods, 7, 20, 4)
    course(pods, 5.6, 0, 24)  # 10 serve and 10 start when 12 of them go
    assert (int(pods.ordered[0]), int(pods.ready[0])) == (8, 8)
    course(pods, 5.6, 20, 30)  # 7.5 minutes: those ordered first would be ready by now
    assert (int(pods.ordered[0]), int(pods.ready[0])) == (20, 8)


def test_while_pods_start_use_at_the_target_keeps_them_all() -> None:
    pods = Pods(row(7), row(10), Autoscaler(ready_minutes=10))
    course(pods, 7, 20, 1)
    # Within the tolerance of what is ready the controller keeps the count, whatever started for a floor that is over.
    assert set(course(pods, 7, 0, 40)) == {20}


def test_never_more_than_the_maximum_nor_less_than_one() -> None:
    most = Autoscaler(ready_minutes=0, max_pods=12)
    assert max(course(Pods(row(7), row(10), most), 50, 83, 80)) == 12
    assert course(Pods(row(0), row(0), AT_ONCE), 0, 0, 30)[-1] == 1


def test_columns_do_not_see_one_another() -> None:
    draw = np.random.default_rng(3)
    demand, floors = draw.gamma(2, 4, (90, 4)), draw.integers(0, 20, (90, 4)).astype(float)
    together = played(demand, floors, Autoscaler(1))
    for at in range(4):
        alone = played(demand[:, [at]], floors[:, [at]], Autoscaler(1))
        assert (alone.ordered[:, 0] == together.ordered[:, at]).all()
        assert (alone.unserved[:, 0] == together.unserved[:, at]).all()


@pytest.mark.parametrize("size", [1, 2, SYNCS_PER_MINUTE, 20])
@pytest.mark.parametrize("of", [np.minimum, np.maximum])
def test_extremes_of_the_newest_rows(of: np.ufunc, size: int) -> None:
    values = np.random.default_rng(1).integers(0, 50, (75, 3)).astype(np.float32)
    extreme = Extreme(of, size, values[0])
    padded = np.vstack([np.repeat(values[:1], size, axis=0), values])
    for at, each in enumerate(values):
        assert (extreme.push(each) == of.reduce(padded[at + 1 : at + 1 + size])).all()
