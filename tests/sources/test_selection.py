"""A part of an environment: what the options say, and what is told of a team or name that is not there."""

from __future__ import annotations

from argparse import ArgumentParser

import pytest
from kfp_gitops.base.errors import UsageError
from kfp_gitops.sources import selection
from kfp_gitops.sources.selection import Selection

TEAMS = {"churn-daily": "churn", "churn-weekly": "churn", "fraud-daily": "fraud", "hello": ""}


def _of(*words: str) -> Selection:
    parser = ArgumentParser()
    selection.add(parser)
    return Selection.of(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), {*TEAMS}),
        (("--select", "team=churn"), {"churn-daily", "churn-weekly"}),
        (("--select", "team=churn,fraud"), {*TEAMS} - {"hello"}),
        (("--select", "team=churn", "--select", "team=fraud"), {*TEAMS} - {"hello"}),
        (("--pipeline", "*-daily"), {"churn-daily", "fraud-daily"}),
        (("--pipeline", "hello,fraud-*"), {"hello", "fraud-daily"}),
        (("--select", "team=churn", "--pipeline", "*-daily"), {"churn-daily"}),
    ],
)
def test_teams_and_names_are_selected(words: tuple[str, ...], names: set[str]) -> None:
    found = _of(*words)
    assert found.chosen(TEAMS, "dev") == names
    assert bool(found) is bool(words)
    assert Selection.read(found.texts) == found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--select", "team=chrn"), "--select team=chrn: dev has no pipeline of it, did you mean 'churn'?"),
        (("--select", "team=chrn"), "teams there: churn, fraud"),
        (("--pipeline", "x*"), "there are: churn-daily, churn-weekly, fraud-daily, hello"),
        (("--pipeline", "Hello"), "did you mean 'hello'?"),
        (
            ("--select", "team=fraud", "--pipeline", "churn-*"),
            "dev has no pipeline of team=fraud and pipeline",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        _of(*words).chosen(TEAMS, "dev")
    assert said in str(caught.value)


def test_everything_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        _of("--select", "team=a", "--pipeline", "b,hello,c").chosen(TEAMS, "dev")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "words",
    [
        ("--select", "churn"), ("--select", "owner=churn"), ("--select", "team="), ("--select", "team=a,"),
        ("--pipeline", ""), ("--pipeline", "a,,b"), ("--select", ""),
    ],
)  # fmt: skip
def test_a_variable_that_was_not_set_does_not_select_everything(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        _of(*words)
