"""Names as KFP's data base compares them: what differs only in case, accents or trailing blanks is one name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.requests import by_name
from kfp_gitops.kfpserver.ownership import same
from project import Outcome


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server") as found:
        yield found


@pytest.mark.parametrize("other", ["DX-A", "dx-a  ", "Dx-Á", "dx-ａ"[:3] + "A"])
def test_what_is_one_name_to_kfp(other: str) -> None:
    assert same(other) == same("dx-a")


@pytest.mark.parametrize("other", [" dx-a", "dx_a", "dx-ab", ""])
def test_what_is_another(other: str) -> None:
    assert same(other) != same("dx-a")


def test_one_of_exactly_that_name_goes_first() -> None:
    for found in (["A", "a"], ["a", "A"], ["a"]):
        assert by_name(found, {"a", "b"}, str) == {"a": "a"}
    assert by_name(["A "], {"a"}, str) == {"a": "A "}


def test_a_pipeline_of_the_same_name_in_other_case_is_a_conflict(
    repository: Path, command: Callable[..., Outcome], server: DevServer
) -> None:
    api = KfpApi(server.url, "")
    api.create_pipeline("HELLO", "made by hand")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    for what in ("plan", "apply"):
        outcome = command("reconcile", what, *common)
        assert outcome.code == 5
        assert (
            "exists as 'HELLO', which KFP takes for the same name, and is not marked as ours" in outcome.err
        )
    assert set(api.pipelines({"hello"})) == {"hello"}
    assert not api.pipelines({"hello"})["hello"].versions


def test_an_experiment_of_the_same_name_in_other_case_is_found(server: DevServer) -> None:
    api = KfpApi(server.url, "")
    made = api.create_experiment("Hello-DEV", "made by hand")
    assert api.experiments({"hello-dev"})["hello-dev"].id == made.id
