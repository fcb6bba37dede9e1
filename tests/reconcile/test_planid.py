"""What moves the identity of a plan, fact by fact, and what does not: without a server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base.errors import InputError
from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualRun
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import approval, report
from kfp_gitops.reconcile.approval import Approved
from kfp_gitops.reconcile.locking import kept
from kfp_gitops.reconcile.plan import Plan, plan
from kfp_gitops.reconcile.records import Absent, Adopts, Desired, Options
from kfp_gitops.rendering import planfile
from kfp_gitops.rendering.planfile import Basis, moved
from plan_kit import DESIRED, EMPTY, LIVE, NOW, OTHER, PIPELINE, V1, WEEKLY, actual_of, releasing

NEXT = releasing(WEEKLY, version="sha-2", digest="sha256:2", ir="another")
QUIET = {
    "ir": "the digest stands for it",
    "source": "where it stands",
    "commit": "for information",
    "versions": "each is mutated by itself",
    "at": "where it stands",
    "created": "an id has one date",
}


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case datetime():
            return value + timedelta(seconds=1)
        case Owner():
            return replace(value, environment="elsewhere")
        case dict():
            return {**value, "new": "1"}
        case tuple():
            return (*value, "new")
        case None | str():
            return f"{value or ''}x"
    raise AssertionError(value)


def _mutations(record: Any) -> Iterator[tuple[str, Any]]:
    """The record with another value in each of its fields, whatever fields it will have."""
    for field in fields(record):
        if field.name in QUIET:
            continue
        value = getattr(record, field.name)
        if field.name == "adopts":
            yield field.name, replace(record, adopts=Adopts("another"))
            continue
        known = {"start": "2027-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z", "interval_seconds": 60}
        text = known.get(field.name) if value is None and field.type in ("str | None", "int | None") else None
        new = NOW if value is None and "datetime" in str(field.type) else text or _other(value)
        yield field.name, replace(record, **{field.name: new})


def _schedule(found: Any) -> Actual:
    return actual_of(found)


def _version(found: Any) -> Actual:
    whole = actual_of(LIVE)
    return replace(
        whole, pipelines={"p": replace(whole.pipelines["p"], versions={"sha-0": found, "sha-1": V1})}
    )


def _pipeline(found: Any) -> Actual:
    return actual_of(LIVE, pipelines={"p": found})


def _experiment(found: Any) -> Actual:
    return actual_of(LIVE, experiments={"p-dev": found})


WHOLE = actual_of(LIVE)
PLACES: list[tuple[str, Any, Callable[[Any], Actual]]] = [
    ("schedule", LIVE, _schedule),
    ("version", WHOLE.pipelines["p"].versions["sha-0"], _version),
    ("pipeline", WHOLE.pipelines["p"], _pipeline),
    ("experiment", WHOLE.experiments["p-dev"], _experiment),
]
LIVE_FACTS = [
    pytest.param(place(new), id=f"{kind}.{name}")
    for kind, record, place in PLACES
    for name, new in _mutations(record)
]


@pytest.mark.parametrize("actual", LIVE_FACTS)
def test_every_field_of_what_is_there_moves_it(actual: Actual) -> None:
    assert moved(plan(NEXT, WHOLE).basis, plan(NEXT, actual).basis)


WANTED = [
    *(pytest.param(releasing(new), id=f"schedule.{name}") for name, new in _mutations(WEEKLY)),
    *(
        pytest.param(replace(NEXT, pipelines=(new,)), id=f"pipeline.{name}")
        for name, new in _mutations(replace(PIPELINE, version="sha-2"))
        if name not in ("schedules", "triggers")
    ),
    pytest.param(replace(NEXT, namespace="team"), id="namespace"),
    pytest.param(replace(NEXT, host="http://127.0.0.2"), id="host"),
    pytest.param(replace(NEXT, keep_versions=3), id="keep_versions"),
    pytest.param(replace(NEXT, disabled=True), id="disabled"),
    pytest.param(replace(NEXT, owner=OTHER), id="owner"),
    pytest.param(replace(NEXT, absent=(Absent("gone"),)), id="absent"),
]


@pytest.mark.parametrize("desired", WANTED)
def test_every_field_of_what_is_wanted_moves_it(desired: Desired) -> None:
    assert moved(plan(NEXT, WHOLE).basis, plan(desired, WHOLE).basis)


def test_what_a_tombstone_names_in_kfp_moves_it() -> None:
    one, other = (
        replace(NEXT, absent=(Absent("gone", adopts=Adopts(name)),)) for name in ("Made by hand", "Another")
    )
    assert moved(plan(one, WHOLE).basis, plan(other, WHOLE).basis)


LIST = [f"item number {n}" for n in range(9)]
TEXT = "nine words " * 9
PAIRS = [
    (TEXT, f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()[:32]}"),
    (TEXT, f"sha256:{hashlib.sha256(json.dumps(TEXT).encode()).hexdigest()[:32]}"),
    (LIST, json.dumps(LIST, sort_keys=True)),
    (f"sha256:{'0' * 64}", f"sha256:{'0' * 63}1"),
    (f"sha256:{'0' * 64}", f"sha256:{'0' * 32}"),
    (True, 1),
    (1, "1"),
    (None, "null"),
]


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=range(len(PAIRS)))
def test_no_value_is_told_as_another_one_is(left: object, right: object) -> None:
    """Whoever writes both, the one that is approved and the one that takes its place, finds no two of one identity."""
    one, two = (plan(releasing(replace(WEEKLY, parameters={"x": v})), WHOLE) for v in (left, right))
    assert moved(one.basis, two.basis)


def test_digits_that_two_plans_share_are_not_enough_where_it_is_known_which_was_approved() -> None:
    """12 digits are 48 bits: who writes both plans finds such a pair in a minute."""
    shown, other = plan(NEXT, EMPTY), plan(NEXT, WHOLE)
    digits = Approved(other.basis.digest, shown.basis)
    assert approval.verdict(other, digits, "") is approval.Verdict.OTHER
    assert approval.verdict(other, replace(digits, basis=None), "") is approval.Verdict.SAME


@pytest.mark.parametrize(
    "options", [Options(server="2.18.0"), Options(refresh_stale=True), Options(adopt=frozenset({"p"}))]
)
def test_what_a_person_decides_moves_it(options: Options) -> None:
    assert [item.object for item in moved(plan(NEXT, WHOLE).basis, plan(NEXT, WHOLE, options).basis)] == [
        "environment dev"
    ]


def test_a_decision_about_triggers_counts_where_there_are_triggers() -> None:
    assert plan(NEXT, WHOLE).basis.id == plan(NEXT, WHOLE, Options(triggers=False)).basis.id


def _run(number: int, **more: Any) -> ActualRun:
    return ActualRun(f"r{number}", f"p-weekly-{number}", "RUNNING", **more)


@given(
    st.integers(0, 400 * 86400),
    st.lists(st.integers(0, 3), max_size=5),
    st.sampled_from([True, False]),
    st.sampled_from([NEXT, DESIRED, releasing(replace(WEEKLY, on_missed="run"))]),
)
@example(8 * 86400, [], False, DESIRED)
def test_time_and_runs_that_nobody_waits_for_move_nothing(
    seconds: int, runs: list[int], enabled: bool, desired: Desired
) -> None:
    """A schedule that is to be turned on is enabled, or made anew once a firing has passed: that is one plan."""
    found = replace(LIVE, enabled=enabled)
    running = tuple(_run(n, schedule_id=f"s{n}", scheduled=NOW + timedelta(hours=n)) for n in runs)
    later = actual_of(found, now=NOW + timedelta(seconds=seconds), runs={"p": running})
    assert plan(desired, later).basis.lines == plan(desired, actual_of(found)).basis.lines


def test_runs_that_are_waited_for_move_it() -> None:
    patient = releasing(replace(WEEKLY, on_replace="wait"), version="sha-2")
    busy = actual_of(LIVE, runs={"p": (_run(1, schedule_id="s1"),)})
    (found,) = moved(plan(patient, WHOLE).basis, plan(patient, busy).basis)
    assert (
        str(found)
        == 'schedule p-weekly: do: "replace (version)" → "replace (version) once its runs have ended"'
    )


FORMS = ["text", "markdown", "json"]


def _in_file(found: Plan, form: str) -> Basis:
    return planfile.read(report.to_file(found, form), "plan")


@pytest.mark.parametrize("form", FORMS)
@given(
    st.text(max_size=200),
    st.dictionaries(st.text(max_size=9), st.one_of(st.text(), st.integers(), st.floats())),
)
def test_a_file_holds_it_whatever_people_write_into_names(
    form: str, text: str, parameters: dict[str, Any]
) -> None:
    strange = replace(LIVE, facts={"start": text}, name=f"p-{text}", parameters=parameters)
    found = plan(replace(NEXT, pipelines=(replace(PIPELINE, description=text),)), actual_of(strange, LIVE))
    read = _in_file(found, form)
    assert (read.digest, read.lines) == (found.basis.digest, found.basis.lines)
    assert not moved(read, found.basis)


def test_the_file_in_git_depends_on_nothing_but_the_plan() -> None:
    found = plan(NEXT, EMPTY).basis
    text = planfile.to_yaml(found, ["a comment"])
    assert planfile.read(text, "f").lines == found.lines
    assert text == planfile.to_yaml(
        plan(NEXT, replace(EMPTY, now=NOW + timedelta(days=9))).basis, ["a comment"]
    )


@given(st.data())
def test_a_line_that_is_changed_lost_or_added_is_seen(data: st.DataObject) -> None:
    lines = report.to_file(plan(NEXT, WHOLE), "text").splitlines()
    at = data.draw(st.sampled_from([n for n, line in enumerate(lines) if line.startswith('{"object"')]))
    how = data.draw(st.sampled_from(["lost", "twice", "character"]))
    if how == "character":
        place = data.draw(st.integers(0, len(lines[at]) - 1))
        new = data.draw(
            st.characters(codec="ascii").filter(
                lambda c: c not in f"\n\r\x0b\x0c\x1c\x1d\x1e{lines[at][place]}"
            )
        )
        lines[at] = lines[at][:place] + new + lines[at][place + 1 :]
    else:
        lines[at : at + 1] = [] if how == "lost" else [lines[at]] * 2
    try:
        read = planfile.read("\n".join(lines), "plan")
    except InputError as error:
        assert str(error).startswith("plan:")
        return
    assert read.lines == plan(NEXT, WHOLE).basis.lines, "white space between words"


def test_what_is_kept_is_this_user_s_alone_and_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = plan(NEXT, WHOLE).basis
    kept.keep(found)
    again = kept.kept(found.id)
    assert again and again.lines == found.lines
    assert kept.kept(f"{found.id}{'0' * 8}") is None
    folder = tmp_path / "cache/kfp-gitops/plans"
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, folder / found.id)] == ["0o700", "0o600"]
    for number in range(60):
        kept.keep(plan(replace(NEXT, keep_versions=number), WHOLE).basis)
    assert len(list(folder.iterdir())) == 50
    (folder / found.id).write_text("plan: 000000000000\n")
    assert kept.kept(found.id) is None


def test_nothing_is_kept_where_somebody_else_could_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache/kfp-gitops").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache/kfp-gitops/plans").symlink_to(tmp_path / "elsewhere")
    found = plan(NEXT, WHOLE).basis
    kept.keep(found)
    assert kept.kept(found.id) is None
    assert list((tmp_path / "elsewhere").iterdir()) == []
