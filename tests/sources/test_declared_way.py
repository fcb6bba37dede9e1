"""The way of promotion as environments declare it: what is refused, where, and with which way out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import environment, way

STAGING = "environments/staging/values.yaml"
PROD = "environments/prod/values.yaml"


@pytest.fixture
def three(repository: Path) -> Path:
    """dev → staging → prod."""
    shutil.copytree(repository / "environments/prod", repository / "environments/staging")
    _declare(repository, {"staging": "dev", "prod": "staging"})
    return repository


def _declare(root: Path, before: Mapping[str, str]) -> None:
    for name, source in before.items():
        path = root / environment.values_path(name)
        lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith(way.KEY)]
        path.write_text("\n".join([*lines, f"{way.KEY}: {source}", ""]), "utf-8")


def test_the_way_leads_to_the_sources(three: Path) -> None:
    assert environment.load(three, "prod").promotes_from == "staging"
    assert way.to(three, "prod") == ("dev", "staging", "prod")
    assert way.to(three, "dev") == ("dev",)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (
            {"prod": "prod"},
            f"{PROD}:8:15: prod cannot be promoted from itself; it may be one of: dev, staging",
        ),
        (
            {"prod": "stagging"},
            f"{PROD}:8:15: there is no environment 'stagging' to be promoted from; did you mean 'staging'? it may be "
            "one of: dev, staging",
        ),
        (
            {"prod": "elsewhere"},
            f"{PROD}:8:15: there is no environment 'elsewhere' to be promoted from; it may be one of: dev, staging",
        ),
        (
            {"staging": "prod"},
            f"{PROD}:8:15: the way of promotion is a circle: prod → staging → prod; let the first of them follow the "
            "sources, or take its line out",
        ),
        ({"prod": "[dev]"}, f'{PROD}:8:15: {way.KEY} is ["dev"], not a text; write a text'),
        (
            {"prod": "Dev"},
            f"{PROD}:8:15: there is no environment 'Dev' to be promoted from; did you mean 'dev'?",
        ),
    ],
    ids=["itself", "misspelt", "unknown", "circle", "a list", "no name"],
)
def test_a_way_that_leads_nowhere_is_told_at_its_line(
    three: Path, before: Mapping[str, str], told: str
) -> None:
    _declare(three, before)
    with pytest.raises(InputError) as found:
        environment.load(three, "prod")
    assert told in str(found.value)


def test_a_circle_elsewhere_is_told_of_its_own(three: Path) -> None:
    shutil.copytree(three / "environments/staging", three / "environments/canary")
    _declare(three, {"staging": "canary", "canary": "staging"})
    assert environment.load(three, "prod").promotes_from == "staging"
    for name, circle in (("staging", "staging → canary → staging"), ("canary", "canary → staging → canary")):
        with pytest.raises(InputError, match=circle):
            environment.load(three, name)


def test_nothing_is_promoted_to_what_follows_the_sources(three: Path) -> None:
    _declare(three, {"dev": "staging"})
    with pytest.raises(InputError) as found:
        environment.load(three, "dev")
    assert str(found.value).startswith(
        "environments/dev/values.yaml:6:1: dev follows the sources, so nothing is promoted to it; take the line out"
    )


def test_base_says_it_of_nobody(three: Path) -> None:
    base = three / environment.BASE
    base.write_text(f"{base.read_text('utf-8')}{way.KEY}: dev\n", "utf-8")
    with pytest.raises(
        InputError, match=r"^environments/base.yaml:\d+:1: an environment is promoted from one of"
    ):
        environment.load(three, "prod")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({"prod": "staging", "dev": "", "staging": "dev"}, ["dev", "staging", "prod"]),
        (
            {"dev": "", "prod-eu": "staging", "prod-us": "staging", "qa": "", "staging": "dev"},
            ["dev", "staging", "prod-eu", "prod-us", "qa"],
        ),
        ({"a": "b", "b": "a", "dev": ""}, ["dev", "a", "b"]),
        ({"prod": "gone"}, ["prod"]),
    ],
    ids=["a line", "a tree", "a circle", "an end"],
)
def test_environments_stand_along_their_way(before: Mapping[str, str], expected: list[str]) -> None:
    assert way.ordered(before) == expected


@pytest.mark.parametrize(
    "text",
    [
        "promotesFrom: dev",
        "'promotesFrom': 'dev'",
        "promotesFrom : dev",
        "{promotesFrom: dev}",
        "promotesFrom:\n  dev",
    ],
)
def test_the_way_is_read_however_it_is_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "environments/prod/values.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"{text}\n", "utf-8")
    assert way.to(tmp_path, "prod") == ("dev", "prod")


@pytest.mark.parametrize("text", ["# promotesFrom: dev", "promotesFrom: [", "", "- promotesFrom"])
def test_what_says_nothing_of_a_way_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "environments/prod/values.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"{text}\n", "utf-8")
    assert way.to(tmp_path, "prod") == ("prod",)
