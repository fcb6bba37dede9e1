"""Lists that grow with the fleet are short, say how many more there are, and lose nothing that is another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base import faults
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.commands import listing
from project import Outcome


def _problem(number: int, what: str = "retries never begin") -> Problem:
    return Problem(f"templates/pipelines/p-{number}/pipeline.yaml.j2", number + 1, 1, what, "write another")


def test_the_first_of_many_files_and_how_many_more(capsys: pytest.CaptureFixture[str]) -> None:
    listing.results(f"change manifests/dev/{number}" for number in range(1000))
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), lines[-1]) == (21, "… 980 more (--verbose)")
    listing.results((f"change manifests/dev/{number}" for number in range(1000)), everything=True)
    assert len(capsys.readouterr().out.splitlines()) == 1000


def test_the_same_warning_of_many_pipelines_is_one_and_another_is_not_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    warned = [*map(_problem, range(600)), _problem(7, "another thing")]
    listing.warnings(warned)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "p-7/pipeline.yaml.j2:8:1: warning: another thing" in lines[0]
    assert lines[1].endswith("write another (and the same at 599 more places: --verbose)")
    listing.warnings(warned, everything=True)
    assert len(capsys.readouterr().err.splitlines()) == 601


def test_the_same_reason_of_many_pipelines_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    told = [(f"p-{n}", f"create version sha-{n:08x}: p-{n}: HTTP 500") for n in range(100)]
    listing.reasons([*told, ("odd", "HTTP 403")])
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "odd: HTTP 403",
        "p-0 and 99 more: create version sha-00000000: p-0: HTTP 500",
    ]


@pytest.mark.parametrize(("faulty", "lines"), [(50, 50), (51, 1)])
def test_very_many_faults_in_the_same_words_are_one(faulty: int, lines: int) -> None:
    told = faults.told(InputError(map(_problem, range(faulty))))
    assert len(told.splitlines()) == lines
    assert told.startswith("templates/pipelines/p-0/pipeline.yaml.j2:1:1: retries never begin; write another")


def test_the_same_value_that_a_thousand_pipelines_lack_is_one_fault() -> None:
    path = "environments/dev/values.yaml"
    lacking = [
        Problem(path, n, 5, f"pipelines.customer-{n}.values lacks 'items'", "add `items:`")
        for n in range(1000)
    ]
    told = faults.told(
        InputError([*lacking, Problem(path, 9, 5, "pipelines.odd.values lacks 'name'", "add it")])
    )
    assert told.splitlines() == [
        "environments/dev/values.yaml:9:5: pipelines.odd.values lacks 'name'; add it",
        "environments/dev/values.yaml: pipelines.customer-0.values lacks 'items'; add `items:` "
        "(and the same at 999 more places)",
    ]


def test_render_lists_the_first_files_it_writes(repository: Path, command: Callable[..., Outcome]) -> None:
    values = repository / "environments/dev/values.yaml"
    for number in range(30):
        copy = repository / f"templates/pipelines/hello-{number}"
        copy.mkdir()
        for path in (repository / "templates/pipelines/hello").iterdir():
            if path.is_file():
                (copy / path.name).write_bytes(path.read_bytes())
    given = "{name: dev, items: [a], threshold: 1, schedule: {cron: '0 0 3 * * 1', enabled: false}}"
    with values.open("a", encoding="utf-8") as file:
        file.writelines(f"  hello-{number}: {{values: {given}}}\n" for number in range(30))
    done = command("render", "--root", repository, "--env", "dev", "--check")
    assert done.code == 1, done.err[:600]
    listed = done.out.splitlines()
    assert len(listed) == 21
    assert listed[-1].startswith("… ")
    whole = command("render", "--root", repository, "--env", "dev", "--check", "--verbose").out.splitlines()
    assert len(whole) > 30
    assert len(command("render", "--root", repository, "--env", "dev").out.splitlines()) == 21
