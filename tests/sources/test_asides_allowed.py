"""Which environments let people register copies beside them: each says so for itself, and a reviewer sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import asides, environment
from project import Outcome

DEV, BASE = "environments/dev/values.yaml", "environments/base.yaml"


def _say(root: Path, path: str, line: str) -> None:
    (root / path).write_text(f"{line}\n{(root / path).read_text()}")


def _allows(root: Path, name: str) -> bool:
    return asides.allowed(environment.load(root, name).values.value)


def test_without_a_word_it_is_refused(repository: Path) -> None:
    assert not _allows(repository, "dev")
    _say(repository, DEV, "asides: refused")
    assert not _allows(repository, "dev")


def test_each_environment_says_it_for_itself(repository: Path) -> None:
    _say(repository, DEV, "asides: allowed")
    assert _allows(repository, "dev")
    assert not _allows(repository, "prod")
    _say(repository, BASE, "asides: allowed")
    with pytest.raises(InputError) as caught:
        environment.load(repository, "prod")
    (problem,) = caught.value.problems
    assert (problem.place, "for every environment" in problem.what) == (f"{BASE}:1:1", True)


def test_another_word_is_told_at_its_line(repository: Path) -> None:
    _say(repository, DEV, "asides: yes please")
    with pytest.raises(InputError) as caught:
        environment.load(repository, "dev")
    assert caught.value.problems[0].place == f"{DEV}:1:9"


def test_no_environment_is_called_as_what_people_register_beside_another(repository: Path) -> None:
    (repository / "environments/dev").rename(repository / "environments/dev-as-alice")
    assert environment.load(repository, "dev-as-alice").name == "dev-as-alice"  # beside nothing
    (repository / "environments/prod").rename(repository / "environments/dev")
    with pytest.raises(InputError) as caught:
        environment.load(repository, "dev-as-alice")
    assert "rename environments/dev-as-alice/" in str(caught.value)


def test_a_reviewer_is_told_what_it_means(repository: Path, command: Callable[..., Outcome]) -> None:
    render = ["--root", repository, "--env", "dev", "--lock"]
    assert command("render", *render).code == 0
    gitrepo.init(repository)
    _say(repository, DEV, "asides: allowed")
    assert command("render", *render).code == 0
    told = command("diff", "--root", repository, "--env", "dev")
    assert told.code == 1
    assert "people may register copies of dev's pipelines beside them" in told.out
    assert "asides: nothing → allowed" in told.out
