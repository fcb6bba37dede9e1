"""What somebody made in KFP and Git names: taken over as it is, or not at all, and only what is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualPipeline, ActualSchedule, ActualVersion
from kfp_gitops.reconcile import adoption
from kfp_gitops.reconcile.change import Action, Kind
from kfp_gitops.reconcile.plan import Plan, plan
from kfp_gitops.reconcile.records import Absent, Adopts, Desired, Entry, Options, Taken
from plan_kit import DESIRED, NOW, OTHER, OWNER, PIPELINE, WEEKLY, actual_of

ADOPTS = Adopts("My Pipeline (v2)", {"weekly": Taken("Mondays")})
WANTED = replace(DESIRED, pipelines=(replace(PIPELINE, adopts=ADOPTS),))
HAND_MADE = ActualVersion("v7", "My Pipeline (v2)", NOW - timedelta(days=3), digest=PIPELINE.digest)
MONDAYS = ActualSchedule(
    "11112222-3333-4444-5555-666677778888", "Mondays", "p1", "v7", True, NOW - timedelta(days=2), cron=WEEKLY.cron,
    experiment_id="default", service_account="pipeline-runner",
)  # fmt: skip
TAKEN = ownership.tags(OWNER, [MONDAYS.id])


def _actual(
    *schedules: ActualSchedule,
    versions: tuple[ActualVersion, ...] = (HAND_MADE,),
    tags: dict[str, str] | None = None,
    entries: tuple[Entry, ...] = WANTED.pipelines,
    **more: Any,
) -> Actual:
    """As `observe` tells it."""
    pipeline = ActualPipeline(
        "p1", ADOPTS.pipeline, ownership.owner_in_tags(tags or {}), {v.name: v for v in versions}, tags or {}
    )
    ours = adoption.under_our_names(entries, {ADOPTS.pipeline: replace(pipeline, **more)})
    found = tuple(adoption.taken(entries, ours.values(), schedules))
    return replace(actual_of(), pipelines=ours, experiments={}, schedules=found)


def _done(found: Plan) -> list[tuple[Action, Kind]]:
    return [(change.action, change.kind) for change in found.to_do]


def _why(found: Plan) -> str:
    return " | ".join(change.reason for change in found.conflicts)


def _asking(desired: Desired = WANTED) -> tuple[Desired, Options]:
    return desired, Options(adopt=frozenset({"p"}))


def test_what_does_what_git_says_is_taken_over_as_it_is() -> None:
    found = plan(WANTED, _actual(MONDAYS))
    assert _done(found) == [
        (Action.ADOPT, Kind.PIPELINE),
        (Action.CREATE, Kind.EXPERIMENT),
        (Action.ADOPT, Kind.SCHEDULE),
    ]
    assert not found.conflicts
    (version,) = (change for change in found.changes if change.kind is Kind.VERSION)
    assert version.action is Action.UNCHANGED
    assert "as 'My Pipeline (v2)', which holds the same" in version.reason


def test_once_taken_over_nothing_is_left_to_do() -> None:
    found = plan(WANTED, _actual(MONDAYS, tags=TAKEN))
    assert _done(found) == [(Action.CREATE, Kind.EXPERIMENT)]


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("cron", {"cron": "0 0 4 * * 1"}),
        ("cron, intervalSeconds", {"cron": None, "interval_seconds": 60}),
        ("maxConcurrency", {"max_concurrency": 2}),
        ("catchup", {"catchup": True}),
        ("parameters.x", {"parameters": {"x": 1}}),
        ("enabled", {"enabled": False}),
        ("version", {"version_id": "v8"}),
        ("version", {"version_id": None}),
        ("serviceAccount", {"service_account": "admin"}),
        ("start", {"start": NOW}),
        ("end", {"end": NOW + timedelta(days=9)}),
        ("pipelineSpec", {"inline": True}),
        ("pipelineRoot", {"pipeline_root": "s3://elsewhere"}),
        ("pluginsInput", {"plugins": True}),
        ("trigger", {"damaged": ("trigger",)}),
    ],
)
def test_what_is_not_what_git_says_is_told_and_left_alone_until_a_person_says_so(
    field: str, changed: dict[str, Any]
) -> None:
    other = replace(MONDAYS, **changed)
    more = replace(HAND_MADE, id="v8", name="newer", digest="sha256:other", created=NOW)
    actual = _actual(other, versions=(HAND_MADE, more))
    found = plan(WANTED, actual)
    assert found.to_do == []
    assert f"'Mondays' is not marked as ours, and not what Git says ({field}" in _why(found)
    asked = plan(_asking()[0], actual, _asking()[1])
    assert not asked.conflicts
    assert [c.action for c in asked.to_do if c.kind is Kind.SCHEDULE] in ([Action.REPLACE], [Action.ENABLE])


def test_a_service_account_that_git_names_is_that_of_the_schedule_also_once_it_is_made_anew() -> None:
    adopts = Adopts(ADOPTS.pipeline, {"weekly": Taken("Mondays", "admin")})
    wanted = replace(WANTED, pipelines=(replace(PIPELINE, adopts=adopts),))
    admins = replace(MONDAYS, service_account="admin")
    assert not plan(wanted, _actual(admins, entries=wanted.pipelines)).conflicts
    assert "serviceAccount" in _why(plan(wanted, _actual(MONDAYS, entries=wanted.pipelines)))


@pytest.mark.parametrize("there", ["0 0 3 * 1", "@weekly"])
def test_five_fields_are_the_six_that_kfp_takes_them_for(there: str) -> None:
    cron = {"0 0 3 * 1": "0 0 3 * 1 *", "@weekly": "0 0 0 * * 0"}[there]
    pipeline = replace(PIPELINE, adopts=ADOPTS, schedules=(replace(WEEKLY, cron=cron),))
    found = plan(replace(WANTED, pipelines=(pipeline,)), _actual(replace(MONDAYS, cron=there)))
    assert not found.conflicts


def test_a_version_of_any_name_that_holds_the_same_will_do() -> None:
    """KFP's UI lets one file be uploaded twice; which of them a recurring run pins makes no difference to its runs."""
    again = replace(HAND_MADE, id="v9", name="again", created=NOW)
    found = plan(WANTED, _actual(MONDAYS, versions=(HAND_MADE, again)))
    assert not found.conflicts
    assert (Action.ADOPT, Kind.SCHEDULE) in _done(found)


def test_where_nothing_holds_what_git_says_nothing_is_taken_over_unasked() -> None:
    other = replace(HAND_MADE, digest="sha256:other")
    found = plan(WANTED, _actual(versions=(other,)))
    assert found.to_do == []
    assert "no version of it holds what Git says" in _why(found)
    assert (Action.CREATE, Kind.VERSION) in _done(
        plan(_asking()[0], _actual(versions=(other,)), _asking()[1])
    )


def test_one_that_git_names_and_is_not_there_may_fire_under_another_name() -> None:
    found = plan(WANTED, _actual(replace(MONDAYS, name="Mondays, new")))
    assert found.to_do == []
    assert "no recurring run of it is called 'Mondays'" in _why(found)


def test_two_of_one_name_are_told_each_and_nothing_is_touched() -> None:
    found = plan(WANTED, _actual(MONDAYS, replace(MONDAYS, id="another")))
    assert found.to_do == []
    assert "several recurring runs of it are called 'Mondays' (this is another)" in _why(found)


def test_what_another_owner_marked_is_never_taken_over() -> None:
    theirs = ownership.tags(OTHER, [MONDAYS.id])
    for options in (Options(), _asking()[1]):
        found = plan(WANTED, _actual(MONDAYS, tags=theirs), options)
        assert found.to_do == []
        assert "owned by another-repository/dev" in _why(found)
        marked = plan(WANTED, _actual(replace(MONDAYS, owner=OTHER)), options)
        assert not any(
            change.kind is Kind.SCHEDULE and change.action is Action.ADOPT for change in marked.changes
        )


def test_others_of_the_pipeline_are_strangers_whatever_their_names() -> None:
    strangers = [
        replace(MONDAYS, id="s1", name="by hand"),
        replace(MONDAYS, id="s2", pipeline_id="p2"),
        replace(MONDAYS, id="s3", name="Mondays", owner=OTHER),
    ]
    found = plan(WANTED, _actual(MONDAYS, *strangers, tags=TAKEN))
    assert _done(found) == [(Action.CREATE, Kind.EXPERIMENT)]


def test_a_clone_of_one_that_was_taken_over_is_a_stranger() -> None:
    """Of the same name, and with something else in it: it is somebody's trial, and both are seen to."""
    clone = replace(MONDAYS, id="99999999-clone", cron="0 0 9 * * *")
    assert _done(plan(WANTED, _actual(MONDAYS, clone, tags=TAKEN))) == [(Action.CREATE, Kind.EXPERIMENT)]
    gone = plan(WANTED, _actual(clone, tags=TAKEN))
    assert gone.to_do == []
    assert "not what Git says (cron)" in _why(gone)


def test_what_was_taken_over_changes_as_all_of_ours_does() -> None:
    at_four = replace(PIPELINE, adopts=ADOPTS, schedules=(replace(WEEKLY, cron="0 0 4 * * 1"),))
    found = plan(replace(WANTED, pipelines=(at_four,)), _actual(MONDAYS, tags=TAKEN))
    assert (Action.REPLACE, Kind.SCHEDULE) in _done(found)
    none = replace(PIPELINE, adopts=ADOPTS, schedules=())
    found = plan(replace(WANTED, pipelines=(none,)), _actual(MONDAYS, tags=TAKEN))
    assert (Action.DELETE, Kind.SCHEDULE) in _done(found)
    gone = (Absent("p", "schedules", adopts=ADOPTS),)
    found = plan(replace(WANTED, pipelines=(), absent=gone), _actual(MONDAYS, tags=TAKEN, entries=gone))
    assert _done(found) == [(Action.DELETE, Kind.SCHEDULE)]
    found = plan(replace(WANTED, pipelines=()), _actual(MONDAYS, tags=TAKEN, entries=()))
    assert _done(found) == [(Action.DISABLE, Kind.SCHEDULE)]


def test_what_its_description_says_of_itself_is_nobodys_word() -> None:
    """Whoever may write to KFP could else say that all was run up to the year 9000."""
    spoof = replace(MONDAYS, facts={"covered": "9000-01-01T00:00:00Z", "start": "2026-01-01T00:00:00Z"})
    (found,) = adoption.taken(WANTED.pipelines, _actual(tags=TAKEN).pipelines.values(), [spoof])
    assert (found.owner, found.facts, found.called, found.name) == (OWNER, {}, "Mondays", "p-weekly")
    assert not found.marked


def test_there_is_room_in_tags_for_so_many_and_what_others_wrote_there_stays() -> None:
    ids = [f"{number:08x}-aaaa" for number in range(85)]
    tags = ownership.tags(OWNER, ids, {"team": "x", "kfp-gitops-taken-77": "stale"})
    assert len(tags) == 20
    assert all(len(key) <= 63 and len(text) <= 63 for key, text in tags.items())
    assert all(ownership.is_taken(tags, one) for one in ids)
    assert not ownership.is_taken(tags, "00000055-aaaa")
    assert tags["team"] == "x"
    assert "kfp-gitops-taken-77" not in tags


def test_more_than_that_is_told() -> None:
    names = {f"s{number}": Taken(f"S {number}") for number in range(100)}
    schedules = tuple(replace(WEEKLY, name=name) for name in names)
    pipeline = replace(PIPELINE, adopts=Adopts(ADOPTS.pipeline, names), schedules=schedules)
    many = [replace(MONDAYS, id=f"{number:08x}-aaaa", name=f"S {number}") for number in range(100)]
    found = plan(replace(WANTED, pipelines=(pipeline,)), _actual(*many, entries=(pipeline,)))
    assert found.to_do == []
    assert "have room for 90 recurring runs" in _why(found)


def test_versions_that_others_made_are_never_told_to_go() -> None:
    """Neither before it is ours nor after, however many there are; and ours are, also where its tags were lost."""
    older = tuple(
        replace(
            HAND_MADE, id=f"o{n}", name=f"try {n}", digest=f"sha256:{n}", created=NOW - timedelta(days=9 + n)
        )
        for n in range(15)
    )
    for tags in ({}, TAKEN):
        found = plan(WANTED, _actual(MONDAYS, versions=(HAND_MADE, *older), tags=tags))
        assert not any(change.action is Action.DELETE for change in found.to_do)
    ours = tuple(replace(one, owner=OWNER) for one in older)
    found = plan(WANTED, _actual(MONDAYS, versions=(HAND_MADE, *ours)))
    assert [change.name for change in found.to_do if change.action is Action.DELETE] == [
        f"try {n}" for n in range(14, 9, -1)
    ]
