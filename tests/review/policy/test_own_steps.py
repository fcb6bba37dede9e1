"""What KFP does itself has no pod, and no words in a command make a step one of these."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp_gitops.base.yamldump import dump
from kfp_gitops.review.policy.subjects import _own_steps

_SHELL = "cat > x <<E\nimage: argostub/createpvc\nE\n"


@pytest.mark.parametrize(
    ("executors", "own"),
    [
        ({}, False),
        ({"a": {"container": {"image": "argostub/createpvc"}}}, True),
        ({"a": {"container": {"image": "python:3.11", "command": ["sh", "-c", _SHELL]}}}, False),
        ({"a": {"container": {"image": "x", "env": [{"name": "image", "value": "argostub/createpvc"}]}}}, False),
        ({"a": {"container": {"image": "argostub/createpvc"}}, "b": {"container": {"image": "x"}}}, False),
        ({"a": {"importer": {"artifactUri": {"constant": "image: argostub/createpvc"}}}}, False),
    ],
)  # fmt: skip
def test_a_step_is_kfps_own_by_the_images_of_its_executors_alone(
    tmp_path: Path, executors: dict[str, object], own: bool
) -> None:
    path = tmp_path / "manifests/dev/components/make_pvc.yaml"
    path.parent.mkdir(parents=True)
    for text in ("[argostub/createpvc]\n", "deploymentSpec: argostub/createpvc\n", "# argostub/createpvc\n"):
        path.write_text(text)
        assert _own_steps(tmp_path, "dev", {"make_pvc": "components/make_pvc.yaml"}) == set()
    path.write_text(dump({"deploymentSpec": {"executors": executors}}))
    found = _own_steps(tmp_path, "dev", {"make_pvc": "components/make_pvc.yaml"})
    assert found == ({"make_pvc"} if own else set())
