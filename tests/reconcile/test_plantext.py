"""A plan of many pipelines as text: nothing that changes is left out, and nothing stands there twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualExperiment, ActualPipeline
from kfp_gitops.reconcile import report
from kfp_gitops.reconcile.plan import Plan, plan
from kfp_gitops.reconcile.plantext import Look, to_text
from kfp_gitops.reconcile.records import Desired, DesiredPipeline
from plan_kit import DESIRED, EMPTY, LIVE, NOW, OTHER, OWNER, PIPELINE, V0, V1, WEEKLY

NAMES = [f"customer-{number:03}" for number in range(200)]


def _wanted(name: str, version: str = "sha-1") -> DesiredPipeline:
    return replace(PIPELINE, name=name, version=version)


def _fleet(*changed: str) -> Desired:
    """Two hundred pipelines; those that are named have another version."""
    pipelines = (_wanted(name, "sha-00000002" if name in changed else "sha-1") for name in NAMES)
    return replace(DESIRED, pipelines=tuple(pipelines))


def _there(*others: str) -> Actual:
    """All of them as they are before; those that are named are somebody else's."""
    versions = {version.name: version for version in (V0, V1)}
    pipelines, experiments, schedules = {}, {}, []
    for name in NAMES:
        owner = OTHER if name in others else OWNER
        pipelines[name] = ActualPipeline(f"id-{name}", name, owner, versions)
        experiments[f"{name}-dev"] = ActualExperiment(f"e-{name}", f"{name}-dev", OWNER)
        schedules.append(
            replace(
                LIVE,
                id=f"s-{name}",
                name=f"{name}-weekly",
                pipeline_id=f"id-{name}",
                experiment_id=f"e-{name}",
            )
        )
    return Actual(pipelines, experiments, tuple(schedules), NOW)


def _lines(found: Plan, **look: object) -> list[str]:
    return to_text(found, Look(**look)).splitlines()  # type: ignore[arg-type]  # fields of many types


def test_one_change_among_many_is_told_with_one_sum() -> None:
    lines = _lines(plan(_fleet("customer-007"), _there()))
    assert lines[1].startswith("  + create    version    customer-007 sha-00000002")
    assert any(line.startswith("  ~ replace   schedule   customer-007-weekly") for line in lines)
    assert len(lines) < 10
    assert lines[-2] == "1 create, 1 replace, 798 unchanged; changes in 1 of 200 pipelines"


def test_nothing_to_do_is_one_line_and_the_identity() -> None:
    found = plan(_fleet(), _there())
    assert _lines(found) == [
        "dev: nothing to do; 800 objects of 200 pipelines unchanged",
        f"plan {found.basis.id}",
    ]


def test_what_changes_alike_is_told_once_and_every_pipeline_is_named() -> None:
    found = plan(_fleet(*NAMES), _there())
    lines = _lines(found)
    assert lines[1] == "  200 pipelines alike:"
    assert "    ~ replace   schedule   …-weekly  (version differs)" in lines
    text = " ".join(lines)
    assert all(f"{name} sha-1 → sha-00000002" in text for name in NAMES)
    assert len(lines) < 120
    assert max(map(len, lines)) <= 80


def test_a_first_apply_tells_the_crons_of_what_is_alike() -> None:
    pipelines = tuple(
        replace(_wanted(name), schedules=(replace(WEEKLY, cron=f"0 {number % 60} 3 * * *"),))
        for number, name in enumerate(NAMES)
    )
    text = " ".join(to_text(plan(replace(DESIRED, pipelines=pipelines), EMPTY)).split())
    assert "customer-059 (cron 0 59 3 * * *)" in text.replace(" sha-1", "")
    assert "200 pipelines alike:" in text


def test_what_is_another_is_not_lost_among_many_alike() -> None:
    """A conflict and a change of another kind stand alone, before the rest."""
    found = plan(_fleet(*NAMES[1:]), _there("customer-100"))
    lines = _lines(found)
    assert lines[1].startswith("  ! conflict  pipeline   customer-100")
    assert "  198 pipelines alike:" in lines
    odd = replace(found, changes=(replace(found.changes[-1], in_flight=3), *found.changes[:-1]))
    assert any("3 in flight" in line for line in _lines(odd))


@pytest.mark.parametrize(
    "values",
    [
        ("registry.example.com/a@sha256:" + "1" * 64, "registry.example.com/a@sha256:" + "2" * 64),
        ("x" * 100 + "a", "x" * 100 + "b"),
        ("sha-00000001", "sha-00000002"),
    ],
)
def test_values_that_differ_only_in_a_digest_or_far_behind_are_not_alike(values: tuple[str, str]) -> None:
    """Two hundred pipelines get one value, one of them another: it stands alone, for it was to be seen."""
    given = {name: values[name == "customer-123"] for name in NAMES}
    pipelines = tuple(
        replace(_wanted(name), schedules=(replace(WEEKLY, parameters={"image": given[name]}),))
        for name in NAMES
    )
    lines = _lines(plan(replace(DESIRED, pipelines=pipelines), _there()))
    assert lines[1].startswith("  ~ replace   schedule   customer-123-weekly")
    assert "  199 pipelines alike:" in lines


def test_a_name_in_a_value_is_each_ones_own() -> None:
    pipelines = tuple(
        replace(_wanted(name), schedules=(replace(WEEKLY, parameters={"path": f"s3://usage/{name}/"}),))
        for name in NAMES
    )
    lines = _lines(plan(replace(DESIRED, pipelines=pipelines), _there()))
    assert lines[1] == "  200 pipelines alike:"
    assert any("s3://usage/…/" in line for line in lines)


def test_the_comment_of_many_alike_names_each_once() -> None:
    found = plan(_fleet(*NAMES), _there())
    text = report.to_markdown(found)
    assert all(text.count(f"- {name} sha-1 → sha-00000002") == 1 for name in NAMES)
    assert text.count("<details>") == text.count("</details>") == 1
    assert len(text) < 200 * 50
    assert text.splitlines()[-1] == f"`plan {found.basis.id}`"


def test_before_it_is_carried_out_only_its_beginning_is_shown() -> None:
    lines = _lines(plan(_fleet(*NAMES), _there()), most=20)
    assert len(lines) == 24
    assert lines[-3].strip().startswith("… ")
    assert lines[-3].endswith("more lines (--all)")


def test_the_same_note_of_many_pipelines_is_one() -> None:
    until = NOW.replace(year=2999)
    desired = _fleet()
    paused = replace(
        desired, pipelines=tuple(replace(pipeline, paused_until=until) for pipeline in desired.pipelines)
    )
    there = _there()
    off = replace(there, schedules=tuple(replace(found, enabled=False) for found in there.schedules))
    found = plan(paused, off)
    notes = [line for line in _lines(found) if "note:" in line]
    assert len(notes) == 1
    assert "customer-000 is paused until 2999" in notes[0]
    assert len([line for line in _lines(found, everything=True) if "note:" in line]) == 200


def test_a_name_that_is_longer_than_a_line_is_not_cut() -> None:
    name = "x" * 100
    lines = _lines(plan(replace(DESIRED, pipelines=(_wanted(name),)), EMPTY))
    assert any(f"{name}-weekly" in line for line in lines)
