"""Runs of kfp-operator after those of other configurations: triggers, also where a pipeline has another name here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from language import SPECS
from project import Outcome

Run = Callable[..., Outcome]
_FEATURES = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: features-v2, description: d, owner: o}
spec:
  tasks:
    split: {component: say, arguments: {text: a}}
    data: {importer: {uri: s3://bucket/data, type: Dataset}}
"""
_TRAIN = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: train, description: d, owner: o}
spec:
  parameters: {source: {type: str}, rounds: {type: int, default: 3}}
  tasks:
    learn: {component: say, arguments: {text: {param: source}}}
"""
_RESOURCES = """
apiVersion: pipelines.kubeflow.org/v1beta1
kind: RunConfiguration
metadata: {name: train-rc}
spec:
  run:
    provider: providers/kfp
    pipeline: train
    parameters:
    - {name: rounds, value: '7'}
    - {name: source, valueFrom: {runConfigurationRef: {name: team/features-rc, outputArtifact: said}}}
  triggers:
    runConfigurations: [team/features-rc]
---
apiVersion: pipelines.kubeflow.org/v1beta1
kind: RunConfiguration
metadata: {name: features-rc, namespace: team}
spec:
  run:
    provider: providers/kfp
    pipeline: features
    artifacts:
    - {name: said, path: 'PATH'}
  triggers:
    schedules: [{cronExpression: 0 2 * * *}]
---
apiVersion: pipelines.kubeflow.org/v1beta1
kind: Pipeline
metadata: {name: features, namespace: team}
spec: {provider: providers/kfp, image: ''}
---
apiVersion: pipelines.kubeflow.org/v1beta1
kind: Pipeline
metadata: {name: train, namespace: team}
spec: {provider: providers/kfp, image: ''}
"""


@pytest.fixture
def begin(repository: Path, command: Run, tmp_path: Path) -> Callable[..., Outcome]:
    """Import two pipelines; `features` is called another way in its IR."""

    def run(text: str = _RESOURCES, path: str = "split:said:0", *, both: bool = True) -> Outcome:
        (tmp_path / "given.yaml").write_text(text.replace("PATH", path))
        given: list[object] = []
        for name, manifest in {"train": _TRAIN, **({"features": _FEATURES} if both else {})}.items():
            made = compile_pipeline(RenderedPipeline(name, "sha256:0", manifest, SPECS), "m").text
            (tmp_path / f"{name}.yaml").write_text(made)
            given += ["--ir", f"{name}={tmp_path}/{name}.yaml"]
        return command("import", tmp_path / "given.yaml", *given, "--root", repository)

    return run


def _triggers(repository: Path) -> Any:
    path = repository / "manifests/dev/pipelines/train/pipeline.yaml"
    return parse(path.read_text(), "m").value.get("triggers")


def test_a_run_after_another_configuration_is_a_trigger_with_its_output(
    repository: Path, begin: Callable[..., Outcome]
) -> None:
    done = begin()
    assert done.code == 0, done.err
    assert _triggers(repository) == [
        {
            "name": "train-rc-after",
            "runOn": {"pipeline": "features-v2"},
            "parameters": {"rounds": 7, "source": {"output": "split.said"}},
        }
    ]
    assert "it runs after each run of 'features' that succeeds, not of 'team/features-rc' alone" in done.err
    assert "valueFrom" not in done.err


@pytest.mark.parametrize("path", ["split:said:1", "split:said:0[pushed == 1]", "split", "other:said:0:x"])
def test_an_output_that_is_not_the_first_whatever_it_is_like_is_told(
    repository: Path, begin: Callable[..., Outcome], path: str
) -> None:
    done = begin(path=path)
    assert done.code == 0, done.err
    assert "given.yaml:11:" in done.err and "the value of 'source' is not taken over anywhere" in done.err
    assert "the trigger 'train-rc-after' is left out: source has no default in the IR" in done.err
    assert _triggers(repository) is None


def test_what_else_starts_its_runs_is_told_not_to_have_it(begin: Callable[..., Outcome]) -> None:
    done = begin(
        _RESOURCES.replace("    runConfigurations", "    onChange: [pipeline]\n    runConfigurations")
    )
    assert "the value of 'source' is not taken over in what else starts its runs" in done.err
    assert "the trigger 'train-rc-on-change' is left out" in done.err


def test_without_the_other_pipeline_it_is_left_out_and_told(
    repository: Path, begin: Callable[..., Outcome]
) -> None:
    done = begin(both=False)
    assert done.code == 0, done.err
    assert (
        "the trigger 'train-rc-after' of 'train' is left out: 'features' is not imported with it" in done.err
    )
    assert _triggers(repository) is None
