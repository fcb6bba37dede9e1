"""Files that older kfp compiled: their settings come back in the form that they have, so the digest is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compiled_kit import compiled
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing import older
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.source import UnsaidError
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import Outcome

Documents = list[dict[str, Any]]
Run = Callable[..., Outcome]


def _settings(documents: Documents) -> list[dict[str, Any]]:
    return list(documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values())


def _names(documents: Documents) -> None:
    """kfp-kubernetes 1.0 to 1.4 knew no parameters here."""
    for asked in _settings(documents):
        for kind, key in (("secretAsEnv", "secretName"), ("configMapAsEnv", "configMapName")):
            found = [one for one in asked.get(kind, []) if key in one]
            asked[kind] = [{k: v for k, v in one.items() if k != f"{key}Parameter"} for one in found]
        for kind, key in (("secretAsVolume", "secretName"), ("imagePullSecret", "secretName")):
            asked[kind] = [one for one in asked.get(kind, []) if key in one]
            for one in asked[kind]:
                del one[f"{key}Parameter"]
        for one in asked.get("configMapAsVolume", []):
            del one["configMapNameParameter"]
        for one in asked.get("pvcMount", []):
            del one["pvcNameParameter"]
        for kind in [kind for kind, ones in asked.items() if ones == []]:
            del asked[kind]


def _unsaid(documents: Documents) -> None:
    for asked in _settings(documents):
        for kind in ("secretAsEnv", "configMapAsEnv", "secretAsVolume", "configMapAsVolume"):
            for one in asked.get(kind, []):
                if not one["optional"]:
                    del one["optional"]


def _numbers(documents: Documents) -> None:
    for executor in documents[0]["deploymentSpec"]["executors"].values():
        asked = executor["container"].get("resources", {})
        for part in (asked, asked.get("accelerator", {})):
            for key in [key for key in part if key.startswith("resource")]:
                del part[key]


def _uncalled(documents: Documents) -> None:
    """kfp before 2.0."""
    for component in (documents[0]["root"], *documents[0]["components"].values()):
        for one in component.get("inputDefinitions", {}).get("parameters", {}).values():
            if "defaultValue" in one:
                del one["isOptional"]


@pytest.mark.parametrize(
    ("case", "change", "forms"),
    [
        ("volumes_from_the_cluster", _names, ["names"]),
        ("environment_from_the_cluster", _unsaid, ["environment"]),
        ("pod_and_image", _names, ["names"]),
        ("volumes_from_the_cluster", _unsaid, ["volumes"]),
        ("resources", _numbers, ["resources"]),
        ("parameters", _uncalled, ["defaults"]),
    ],
)
def test_the_form_of_settings_stays(case: str, change: Callable[[Documents], None], forms: list[str]) -> None:
    documents = ir.documents(compiled(case))
    change(documents)
    found = _imported(documents)
    assert found.told == ()
    assert found.digest == ir.digest(documents)
    template = found.template["pipeline.yaml.j2"]
    assert [line[4:] for line in template.splitlines() if line.startswith("  - ")] == forms
    assert (
        "olderForms:" not in imported(compiled(case), "f.yaml", {}, None, "dev").template["pipeline.yaml.j2"]
    )


def _imported(documents: Documents) -> Imported:
    return imported(dump_all(documents), "trainer.yaml", {}, None, "dev")


def test_a_step_for_claims_of_another_kfp_kubernetes_is_a_component_of_its_own() -> None:
    documents = ir.documents(compiled("persistent_volume_claims"))
    components = documents[0]["components"]
    parameters = components["comp-createpvc"]["inputDefinitions"]["parameters"]
    del documents[0]["root"]["dag"]["tasks"]["createpvc-2"], components["comp-createpvc-2"]
    del documents[0]["deploymentSpec"]["executors"]["exec-createpvc-2"]
    del parameters["data_source"]
    parameters["size"]["description"] = "How much."
    found = _imported(documents)
    assert found.told == ()
    assert found.digest == ir.digest(documents)
    assert list(found.specs) == ["createpvc", "say"]
    assert "component: createpvc" in found.template["pipeline.yaml.j2"]
    assert "deletePvc:" in found.template["pipeline.yaml.j2"]


def test_outputs_of_the_pipeline_have_the_names_that_they_have() -> None:
    """kfp before 2.10 made one of each metric: `train-metrics`, which no NamedTuple can have."""
    documents = ir.documents(compiled("outputs_of_the_pipeline"))
    root = documents[0]["root"]
    for part in (root["dag"]["outputs"]["artifacts"], root["outputDefinitions"]["artifacts"]):
        part["load-data"] = part.pop("data")
    assert _imported(documents).told == ()


@pytest.mark.parametrize(
    ("number", "text"),
    [(2.147483648, "2Gi"), (0.512, "512M"), (1.0, "1G"), (0.000001, "1K"), (0.268435456, "256Mi")],
)
def test_gigabytes_become_the_shortest_text(number: float, text: str) -> None:
    assert older.memory(number) == text


@pytest.mark.parametrize(("number", "text"), [(0.5, "0.5"), (2.0, "2"), (0.25, "0.25"), (0.0015, "0.0015")])
def test_cores_become_a_text(number: float, text: str) -> None:
    assert older.cpu(number) == text


def test_a_number_that_no_text_means_is_not_imported() -> None:
    with pytest.raises(UnsaidError, match=r"3\.3e-10"):
        older.memory(3.3e-10)


def test_such_a_component_is_rendered_as_it_is(repository: Path, command: Run, tmp_path: Path) -> None:
    """Its image is none that a release could map: by that text KFP knows the step."""
    documents = ir.documents(compiled("persistent_volume_claims"))
    documents[0]["components"]["comp-createpvc"]["inputDefinitions"]["parameters"]["size"]["description"] = (
        "A."
    )
    path = tmp_path / "trainer.yaml"
    path.write_text(dump_all(documents))
    outcome = command("import", path, "--root", repository)
    assert outcome.code == 0, outcome.err
    assert (repository / "components/createpvc/component.yaml").is_file()
    assert "argostub" not in (repository / "environments/dev/release.yaml").read_text()
    (repository / "environments/policy.yaml").write_text(
        "apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks:\n- id: limits\n  select: task\n"
        "  reason: it has none\n  fix: write them\n  schema: {required: [resources]}\n"
    )
    judged = command("policy", "--root", repository)
    refused = [
        line for line in (judged.out + judged.err).splitlines() if "dev/persistent-volume-claims/" in line
    ]
    assert len(refused) == 1  # what KFP does itself has no pod to limit
    assert "dev/persistent-volume-claims/write" in refused[0]


def _metrics(documents: Documents, component: str, task: str, *around: str) -> None:
    """What kfp before 2.10 made of the metrics of a task: an output of each DAG from there up to the whole."""
    name, output = f"{task}-metrics", "metrics"
    spec = documents[0]
    for group in (component, *around):
        node = spec["components"][group] if group else spec["root"]
        declared = {"artifactType": {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"}}
        node.setdefault("outputDefinitions", {}).setdefault("artifacts", {})[name] = declared
        selector = {"outputArtifactKey": output, "producerSubtask": task}
        given = node["dag"].setdefault("outputs", {}).setdefault("artifacts", {})
        given[name] = {"artifactSelectors": [selector]}
        task, output = group.removeprefix("comp-"), name


SCORED = """\
components:
  comp-SCORE: {executorLabel: exec-SCORE, outputDefinitions: {artifacts: {metrics: {artifactType: METRICS}}}}
deploymentSpec: {executors: {exec-SCORE: {container: {image: registry.example.com/steps, command: ["{{$}}"]}}}}
pipelineInfo: {name: SCORE}
root:
  dag:
    outputs: {artifacts: {metrics: {artifactSelectors: [{outputArtifactKey: metrics, producerSubtask: SCORE}]}}}
    tasks: {SCORE: {cachingOptions: {enableCache: true}, componentRef: {name: comp-SCORE}, taskInfo: {name: SCORE}}}
  outputDefinitions: {artifacts: {metrics: {artifactType: METRICS}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
""".replace("METRICS", "{schemaTitle: system.Metrics, schemaVersion: 0.0.1}").replace("SCORE", "score")
HEAD = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: %s, description: A., owner: t}\nspec:\n"
SCORES = """\
  parameters: {mode: {type: str, default: all}}
  tasks:
    score: {component: score}
    asked:
      if: {eq: [{param: mode}, all]}
      tasks:
        each: {loop: {items: [1, 2]}, tasks: {again: {component: score}}}
"""


def test_metrics_that_were_made_outputs_are_none_of_the_manifest() -> None:
    rendered = RenderedPipeline("scores", "sha256:0", HEAD % "scores" + SCORES, {"score": SCORED})
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    _metrics(documents, "", "score")
    _metrics(documents, "comp-for-loop-3", "score-2", "comp-condition-1", "")
    found = _imported(documents)
    assert (found.told, found.kept) == ((), {})
    assert found.digest == ir.digest(documents)
    template = found.template["pipeline.yaml.j2"]
    assert "  olderForms:\n  - metrics\n" in template
    assert "outputs:" not in template


def test_metrics_of_a_pipeline_inside_are_handed_out_by_it_too() -> None:
    inner = HEAD % "inside" + "  tasks:\n    score: {component: score}\n"
    outer = HEAD % "scores" + "  tasks:\n    inside: {pipeline: inside}\n"
    rendered = RenderedPipeline("scores", "sha256:0", outer, {"score": SCORED}, inner={"inside": inner})
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    _metrics(documents, "comp-inside", "score")
    declared = {"artifactType": {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"}}
    root = documents[0]["root"]
    root["outputDefinitions"] = {"artifacts": {"inside-score-metrics": declared}}
    selector = {"outputArtifactKey": "score-metrics", "producerSubtask": "inside"}
    root["dag"]["outputs"] = {"artifacts": {"inside-score-metrics": {"artifactSelectors": [selector]}}}
    found = _imported(documents)
    assert (found.told, found.kept) == ((), {})
    assert found.digest == ir.digest(documents)


def test_outputs_that_somebody_wrote_stay_outputs() -> None:
    """Some of the metrics alone are no form of older kfp."""
    two = "  tasks:\n    score: {component: score}\n    again: {component: score}\n"
    rendered = RenderedPipeline("scores", "sha256:0", HEAD % "scores" + two, {"score": SCORED})
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    _metrics(documents, "", "score")
    template = _imported(documents).template["pipeline.yaml.j2"]
    assert "olderForms" not in template
    assert "score-metrics:" in template
