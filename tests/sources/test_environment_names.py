"""Names of environments that the delivery of another one has taken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.sources import naming
from project import PROJECT, Outcome

Run = Callable[..., Outcome]


def _copied(repository: Path, name: str) -> None:
    shutil.copytree(repository / "environments/dev", repository / "environments" / name)


@pytest.mark.parametrize(
    "ending",
    [
        "apply", "drift", "status", "lease", "environment", "approved-plan", "pipeline-hello", "pipeline-x",
        "components", "components-00", "pipelines-07",
    ],
)  # fmt: skip
def test_two_environments_never_have_an_object_of_the_same_name(
    repository: Path, command: Run, ending: str
) -> None:
    _copied(repository, f"dev-{ending}")
    done = command("render", "--root", repository, "--all")
    assert done.code == 2
    assert done.err == (
        f"environments/dev-{ending}/values.yaml:1:1: kfp-gitops-dev-{ending} is the name of an object of the "
        f"environment dev, and would be of dev-{ending}'s; rename environments/dev-{ending}/, or environments/dev/\n"
    )


@pytest.mark.parametrize("name", ["dev-2", "dev-pipeline", "qa-drift", "drift", "base", "devdrift", "argocd"])
def test_other_names_are_free(repository: Path, command: Run, name: str) -> None:
    _copied(repository, name)
    assert command("render", "--root", repository, "--all").code == 0


def test_every_object_of_the_delivery_has_a_name_that_is_reserved() -> None:
    """So a new one in templates/delivery cannot be forgotten."""
    found = set()
    for path in sorted((PROJECT / "manifests/dev").glob("*.yaml")):
        for document in parse_all(path.read_text("utf-8"), path.name):
            value = document.value if isinstance(document.value, dict) else {}
            found |= {value["metadata"]["name"]} if "metadata" in value and "kind" in value else set()
            found |= {each["name"] for each in value.get("configMapGenerator", [])}
    ours = {name for name in found if name.startswith("kfp-gitops-dev-")}
    assert ours
    assert all(naming.DELIVERY.fullmatch(name.removeprefix("kfp-gitops-dev-")) for name in ours), ours
    assert found - ours <= {"kfp-gitops-dev", "dev"}, found - ours
