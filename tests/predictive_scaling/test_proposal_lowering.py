"""A value is lowered only where people allow it, and the recommendations of the whole hold-off say so."""

from datetime import timedelta

import pandas as pd
import pytest
from predictive_scaling.base.clock import iso
from predictive_scaling.base.documents import pretty_bytes, sha256
from predictive_scaling.store.opening import open_registry
from proposal_kit import Repository, document, hpa, requests, service, workload

BASE = [workload(namespace="shop", containers={"app": requests("100Mi")}), hpa(namespace="shop")]
NOW = pd.Timestamp("2026-03-01T04:00:00Z").to_pydatetime()
ALLOW = ("--allow-lower", "20%", "--hold-off", "14d")


def at(days, *services, namespace="shop"):
    """A recommendation of so many days ago."""
    when = iso(NOW - timedelta(days=days))
    return document(*services, at=when, run=f"run-{days}", namespace=namespace)


@pytest.fixture
def repository(tmp_path, capsys):
    made = Repository(tmp_path)
    assert made.propose(capsys, at(60, service("checkout", replicas=10, memory=800)), BASE) == 0
    return made


def keep(repository, *documents):
    """Put recommendations into a registry; gives the option that names it."""
    registry = open_registry(str(repository.root / "registry"))
    for each in documents:
        data = pretty_bytes(each)
        registry.put(f"recommendations/{sha256(data)}.json", data)
    registry.put("recommendations/broken.json", b"{")
    return ("--registry", str(repository.root / "registry"))


def daily(first, *, memory=300, last=0, namespace="shop"):
    return [
        at(day, service("checkout", memory=memory), namespace=namespace) for day in range(first, last - 1, -1)
    ]


NEWEST = at(0, service("checkout", memory=300))


def test_what_was_too_high_for_the_whole_hold_off_is_lowered_to_the_highest_of_it(repository, capsys):
    past = keep(repository, *daily(14), at(7.5, service("checkout", memory=450)))
    assert repository.propose(capsys, NEWEST, BASE, *ALLOW, *past) == 0
    assert "lowered shop/checkout app: memory 800Mi → 450Mi (run 20260301T040000Z-run-0)" in repository.said
    assert "lowered shop/checkout HorizontalPodAutoscaler checkout: minReplicas 10 → 3" in repository.said
    assert "memory: 450Mi\n" in repository.text("shop/checkout/memory.yaml")


@pytest.mark.parametrize(
    ("past", "why"),
    [
        ([], "no past"),
        (daily(10), "the past does not reach back so far"),
        ([*daily(14, last=10), *daily(5)], "a gap of more than a quarter of it"),
        ([*daily(14), at(3.5, service("checkout", memory=700))], "not by the threshold, once"),
        (daily(14, namespace="other"), "of another namespace"),
        ([at(day, service("other")) for day in range(15)], "of other services"),
        ([*daily(14), at(2.5, service("checkout", memory=None))], None),
    ],
)
def test_anything_less_keeps_the_value(repository, capsys, past, why):
    before = repository.text("shop/checkout/memory.yaml")
    assert repository.propose(capsys, NEWEST, BASE, *ALLOW, *keep(repository, *past)) == 0
    assert (repository.text("shop/checkout/memory.yaml") == before) == (why is not None), why


def test_without_leave_nothing_is_lowered_whatever_the_past_says(repository, capsys):
    assert repository.propose(capsys, NEWEST, BASE, *keep(repository, *daily(14))) == 0
    assert repository.said == "nothing to raise\n"


def test_peoples_own_values_are_never_lowered(repository, capsys):
    path = "shop/checkout/memory.yaml"
    repository.put(path, repository.text(path).replace("memory: 800Mi", "memory: 810Mi"))
    assert repository.propose(capsys, NEWEST, BASE, *ALLOW, *keep(repository, *daily(14))) == 0
    assert "memory: 810Mi" in repository.text(path)
    assert "lowered shop/checkout HorizontalPodAutoscaler" in repository.said


def test_the_base_is_never_undercut(repository, capsys):
    base = [workload(namespace="shop", containers={"app": requests("0.5Gi")}), BASE[1]]
    assert repository.propose(capsys, NEWEST, base, *ALLOW, *keep(repository, *daily(14))) == 0
    assert "memory: 0.5Gi\n" in repository.text("shop/checkout/memory.yaml")


def test_leave_may_be_given_in_the_tree_for_a_service(repository, capsys):
    repository.put("proposal.yaml", "services:\n  checkout:\n    allowLower: 20%\n    holdOff: 2w\n")
    assert repository.propose(capsys, NEWEST, BASE, *keep(repository, *daily(14))) == 0
    assert "lowered shop/checkout app" in repository.said


def test_a_past_that_is_too_short_is_told(repository, capsys):
    assert repository.propose(capsys, NEWEST, BASE, *ALLOW, *keep(repository, *daily(6))) == 0
    assert "reach back to 2026-02-23T04:00:00Z" in repository.said
    assert "keep_days" in repository.said


def test_leave_without_a_past_is_refused(repository, capsys):
    assert repository.propose(capsys, NEWEST, BASE, *ALLOW) == 2
    assert "--allow-lower needs --registry" in repository.told
    repository.put("proposal.yaml", "allowLower: 20%\n")
    assert repository.propose(capsys, NEWEST, BASE) == 0
    assert "allowLower needs --registry" in repository.said
