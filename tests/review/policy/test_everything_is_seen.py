"""No place of a rendered file is outside of what a policy judges."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from kfp_gitops.review import policy
from kfp_gitops.review.policy.claims import twice_claimed
from kfp_gitops.review.policy.subjects import shared, subjects
from project import PROJECT, Outcome
from shared_specs import make_earlier

Command = Callable[..., Outcome]
SHIPPED = policy.read(PROJECT)
TOKEN = "AKIA" + "ABCD" * 4
HEAD = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: For tests., owner: tests}
"""
IR = """components:
  comp-a:
    executorLabel: exec-a
    inputDefinitions: {parameters: {x: {defaultValue: DEFAULT, parameterType: STRING}}}
deploymentSpec:
  executors: {exec-a: {container: {image: registry.example.com/a, command: [COMMAND], args: [ARGUMENT]}}}
root:
  inputDefinitions: {parameters: {y: {defaultValue: ROOT, parameterType: STRING}}}
  dag: {tasks: {a: {componentRef: {name: comp-a}, inputs: {parameters: {x: {runtimeValue: {constant: CONSTANT}}}}}}}
schemaVersion: 2.1.0
"""


def _refused(root: Path, *checks: str) -> list[str]:
    """`check object` of all that the shipped policy refuses in dev and in what all share."""
    found = policy.judge(SHIPPED, [*subjects(root, "dev"), *shared(root)], date(2026, 1, 1), whole=False)
    told = [problem.what.removeprefix("policy ").split(": ")[:2] for problem in found]
    return sorted(f"{check} {name}" for check, name in told if not checks or check in checks)


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, "utf-8")


# Where a secret is written → what is refused for it.
IN_MANIFESTS = {
    "concat": (
        f"spec: {{tasks: {{t: {{component: c, arguments: {{x: {{concat: [{TOKEN}, {{run: id}}]}}}}}}}}}}",
        "secret-in-parameter dev/p/t/x",
    ),
    "concat of a secret name": (
        "spec: {tasks: {t: {component: c, arguments: {api_token: {concat: [hunter2, {run: id}]}}}}}",
        "secret-in-parameter dev/p/t/api_token",
    ),
    "map beside a reference": (
        "spec: {tasks: {t: {component: c, arguments: {x: {password: hunter2, at: {run: id}}}}}}",
        "secret-in-parameter dev/p/t/x/password",
    ),
    "importer's URI": (
        "spec: {tasks: {t: {importer: {uri: 's3://me:pw@bucket/x', type: Dataset}}}}",
        "secret-in-text dev/pipelines/p/pipeline#spec.tasks.t.importer.uri",
    ),
    "importer's metadata": (
        "spec: {tasks: {t: {importer: {uri: s3://b/x, type: Dataset, metadata: {token: hunter2}}}}}",
        "secret-in-parameter dev/p/t/metadata/token",
    ),
    "items of a loop": (
        "spec: {tasks: {l: {loop: {items: [{password: hunter2}]}, tasks: {t: {component: c}}}}}",
        "secret-in-parameter dev/p/l/items[0]/password",
    ),
    "operand": (
        "spec: {parameters: {token: {type: str}}, "
        "tasks: {i: {if: {eq: [{param: token}, hunter2]}, tasks: {t: {component: c}}}}}",
        "secret-in-parameter dev/p/i/token",
    ),
    "label": (
        "spec: {tasks: {t: {component: c, pod: {labels: {password: hunter2}}}}}",
        "secret-in-parameter dev/p/t/password",
    ),
    "pipeline root": (
        "spec: {pipelineRoot: 's3://me:pw@bucket/root', tasks: {t: {component: c}}}",
        "secret-in-text dev/pipelines/p/pipeline#spec.pipelineRoot",
    ),
    "description": (
        f"spec: {{tasks: {{t: {{component: c, displayName: 'uses {TOKEN}'}}}}}}",
        "secret-in-text dev/pipelines/p/pipeline#spec.tasks.t.displayName",
    ),
    "default of a map": (
        "spec: {parameters: {options: {type: dict, default: {db: {password: hunter2}}}}, tasks: {t: {component: c}}}",
        "secret-in-parameter dev/p/options/db/password",
    ),
}


@pytest.mark.parametrize("place", IN_MANIFESTS)
def test_a_secret_is_seen_wherever_a_manifest_has_it(tmp_path: Path, place: str) -> None:
    text, says = IN_MANIFESTS[place]
    _write(tmp_path, "manifests/dev/pipelines/p/pipeline.yaml", f"{HEAD}{text}\n")
    secrets = [one for one in _refused(tmp_path) if one.startswith("secret-")]
    assert says in secrets
    assert len(secrets) == 1, "told once"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("DEFAULT", "secret-in-parameter dev/p/comp-a/x"),
        ("ROOT", "secret-in-parameter dev/p/root/y"),
        ("CONSTANT", "secret-in-parameter dev/p/a/x"),
        ("COMMAND", "secret-in-text dev/pipelines/p/ir#deploymentSpec.executors.exec-a.container.command.0"),
        ("ARGUMENT", "secret-in-text dev/pipelines/p/ir#deploymentSpec.executors.exec-a.container.args.0"),
    ],
)
def test_a_secret_is_seen_wherever_a_compiled_pipeline_has_it(tmp_path: Path, place: str, says: str) -> None:
    _write(tmp_path, "manifests/dev/pipelines/p/ir.yaml", IR.replace(place, f"--key={TOKEN}", 1))
    assert [one for one in _refused(tmp_path) if one.startswith("secret-")] == [says]


def test_a_secret_is_not_shown_where_it_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "manifests/dev/pipelines/p/ir.yaml", IR.replace("COMMAND", TOKEN))
    found = policy.judge(SHIPPED, subjects(tmp_path, "dev"), date(2026, 1, 1), whole=False)
    assert any("secret-in-text" in problem.what for problem in found)
    assert not any(TOKEN in str(problem) for problem in found)


@pytest.mark.parametrize(
    "task",
    [
        "{importer: {uri: s3://b/x, type: Dataset}, retry: {count: 6}}",
        "{pipeline: inner, retry: {count: 6}}",
    ],
)
def test_the_retries_of_every_kind_of_task_are_limited(tmp_path: Path, task: str) -> None:
    _write(tmp_path, "manifests/dev/pipelines/p/pipeline.yaml", f"{HEAD}spec: {{tasks: {{t: {task}}}}}\n")
    assert _refused(tmp_path, "retries-bounded") == ["retries-bounded dev/p/t"]


@pytest.mark.parametrize(
    "line",
    [
        "python3 -m pip install --quiet 'pandas==2.2.0'",
        "pip3 install pandas",
        "set -e; apt-get -y install git",
        "apk add curl",
        "uv pip install pandas",
    ],
)
def test_what_is_installed_when_it_runs_is_refused(tmp_path: Path, line: str) -> None:
    text = yaml.safe_dump({"implementation": {"container": {"image": "a", "command": ["sh", "-c", line]}}})
    _write(tmp_path, "manifests/dev/pipelines/p/components/c.yaml", text)
    (found,) = _refused(tmp_path, "installs-nothing")
    assert found.startswith("installs-nothing dev/pipelines/p/components/c is ")


def test_a_shared_spec_is_called_after_its_component_whatever_its_text_is(tmp_path: Path) -> None:
    """So that a waiver need not change with each change of it."""
    container = {
        "image": "a",
        "command": ["sh", "-c", "pip install a"],
        "env": [{"name": "TOKEN", "value": TOKEN}],
    }
    inputs = [{"name": "x", "type": "String", "default": TOKEN}]
    text = yaml.safe_dump(
        {"inputs": inputs, "implementation": {"container": container}, "description": TOKEN}
    )
    _write(tmp_path, "manifests/dev/components/load_it-0123abcd.yaml", text)
    told = _refused(tmp_path)
    assert [one.partition(" is ")[0] for one in told] == [
        "image-by-digest dev/components/load_it",
        "image-registry dev/components/load_it",
        "installs-nothing dev/components/load_it",
        "secret-in-parameter dev/components/load_it/x",
        "secret-in-text dev/components/load_it#description",
        "secret-in-variable dev/components/load_it/TOKEN",
    ]


def test_pipelines_are_judged_alike_in_an_earlier_layout(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all")
    kinds = ("pipeline", "schedule", "task", "retry", "loop")
    found = [
        [(one.name, one.value) for one in subjects(repository, "dev") if one.kind in kinds]
        for prepare in (lambda: None, lambda: make_earlier(repository, "dev"))
        if prepare() is None
    ]
    assert found[0] == found[1] and found[0]


def test_packages_to_install_are_seen(tmp_path: Path) -> None:
    from installing import compiled

    _write(tmp_path, "manifests/dev/pipelines/p/components/c.yaml", compiled(tmp_path))
    (found,) = _refused(tmp_path, "installs-nothing")
    assert "pandas==2.2.0" in found and "python3-pip" not in found


KUSTOMIZATIONS = {
    "images": "images: [{name: a, newName: docker.io/me/a, newTag: latest}]",
    "patch": "patches: [{patch: 'spec: {template: {spec: {containers: [{name: a, image: docker.io/me/a}]}}}\n'}]",
    "operations": "patches: [{patch: '- {op: replace, path: /spec/containers/0/image, value: me/a}\n'}]",
    "older patch": "patchesStrategicMerge: ['spec: {template: {spec: {containers: [{name: a, image: me/a}]}}}\n']",
}


@pytest.mark.parametrize("name", KUSTOMIZATIONS)
@pytest.mark.parametrize(
    "path", ["kustomization.yaml", "argocd/kustomization.yaml", "manifests/dev/kustomization.yaml"]
)
def test_what_a_kustomization_puts_in_is_seen(tmp_path: Path, name: str, path: str) -> None:
    head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    _write(tmp_path, "kustomization.yaml", f"{head}resources: [argocd]\n")
    _write(tmp_path, path, f"{head}resources: [argocd]\n{KUSTOMIZATIONS[name]}\n")
    assert len(_refused(tmp_path, "image-by-digest", "image-registry")) == 2


def test_a_patch_beside_the_root_kustomization_is_seen(tmp_path: Path) -> None:
    _write(tmp_path, "kustomization.yaml", "kind: Kustomization\npatches: [{path: more/patch.yaml}]\n")
    _write(tmp_path, "more/patch.yaml", "spec: {containers: [{name: a, image: docker.io/me/a}]}\n")
    assert len(_refused(tmp_path, "image-by-digest")) == 1


PUT_IN = {
    "without a kind": ("kustomization.yaml", "images: [{name: ghcr.io/example/a, newTag: latest}]"),
    "another name": ("Kustomization", "images: [{name: ghcr.io/example/a, newTag: latest}]"),
    "a third name": ("kustomization.yml", "images: [{name: ghcr.io/example/a, newTag: latest}]"),
    "transformer": (
        "kustomization.yaml",
        "transformers: ['{kind: ImageTagTransformer, imageTag: {name: ghcr.io/example/a, newTag: latest}}']",
    ),
    "replacement": (
        "kustomization.yaml",
        "replacements: [{sourceValue: 'ghcr.io/example/a:1', targets: [{fieldPaths: [spec.containers.0.image]}]}]",
    ),
    "Argo CD's": ("argocd/a.yaml", "spec: {source: {kustomize: {images: ['a=ghcr.io/example/a:1']}}}"),
    "Argo CD's for a set": (
        "argocd/a.yaml",
        "spec: {template: {spec: {source: {kustomize: {images: ['a=ghcr.io/example/a:1']}}}}}",
    ),
}


@pytest.mark.parametrize("case", PUT_IN)
def test_an_image_is_seen_whoever_puts_it_in(tmp_path: Path, case: str) -> None:
    if PUT_IN[case][0].startswith("argocd/"):
        _write(tmp_path, "kustomization.yaml", "resources: [argocd]\n")
    _write(tmp_path, PUT_IN[case][0], f"{PUT_IN[case][1]}\n")
    assert len(_refused(tmp_path, "image-by-digest")) == 1


FILES = {
    "patches": ("patches: [{path: more/x.json}]", "x.json"),
    "older patches": ("patchesJson6902: [{path: more/x.json}]", "x.json"),
    "transformers": ("transformers: [more/x.yaml]", "x.yaml"),
    "bases": ("bases: [more/x.yaml]", "x.yaml"),
    "replacements": ("replacements: [{path: more/x.yaml}]", "x.yaml"),
    "generators of files": ("configMapGenerator: [{name: a, files: [a=more/x.yaml]}]", "x.yaml"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_is_seen_under_whatever_key_a_kustomization_names_it(tmp_path: Path, case: str) -> None:
    line, name = FILES[case]
    _write(tmp_path, "kustomization.yaml", f"{line}\n")
    _write(tmp_path, f"more/{name}", '[{"op": "add", "path": "/spec/containers/0/image", "value": "me/a"}]\n')
    assert len(_refused(tmp_path, "image-by-digest")) == 1


def test_what_a_kustomization_generates_is_seen(tmp_path: Path) -> None:
    _write(tmp_path, "kustomization.yaml", "configMapGenerator: [{name: a, literals: [PASSWORD=hunter2]}]\n")
    assert _refused(tmp_path) == ["secret-in-variable kustomization/PASSWORD"]


@pytest.fixture
def both(tmp_path: Path) -> Path:
    for folder in ("manifests", "environments", "components", "templates", "argocd"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    shutil.copy(PROJECT / "kustomization.yaml", tmp_path)
    return tmp_path


def test_two_environments_cannot_claim_one_pipeline(both: Path, command: Command) -> None:
    assert command("policy", "--root", both).code == 0
    values = both / "environments/prod/values.yaml"
    own = values.read_text("utf-8")
    values.write_text(own.replace("  cluster: https://kubernetes-prod.example.com:6443\n", ""), "utf-8")
    outcome = command("policy", "--root", both, "--env", "dev")
    assert outcome.code == 2
    assert [line.split(":")[0] for line in outcome.err.splitlines()] == ["environments/prod/values.yaml"] * 2
    assert (
        "environments dev and prod both have the pipeline 'predictive-scaling' on http://ml-" in outcome.err
    )
    for mend in ("kfp: {namespace: team}", "kfp: {host: 'http://ml-pipeline.prod.svc:8888'}"):
        values.write_text(
            f"{own.replace('  cluster: https://kubernetes-prod.example.com:6443', '')}\n{mend}\n", "utf-8"
        )
        assert command("policy", "--root", both).code == 0


def test_two_environments_cannot_claim_one_experiment(both: Path, command: Command) -> None:
    """KFP has it under one name: `per-service-training` of `dev`, and `per-service` of `training-dev`."""
    shutil.copytree(both / "environments/dev", both / "environments/training-dev")
    values = both / "environments/training-dev/values.yaml"
    pipeline = "pipelines:\n  quickstart: {state: absent}\n  per-service: {values: {owner: a}}\n"
    values.write_text(f"follows: sources\n{pipeline}", "utf-8")
    found = [problem.what for problem in twice_claimed(both, ["dev", "training-dev"])]
    assert any("the experiment 'per-service-training-dev' on" in what for what in found)


def test_two_environments_cannot_claim_one_pipeline_that_was_made_in_kfp(both: Path) -> None:
    """By the name that it has there, which KFP compares without regard to case."""
    for name, called in (("dev", "By hand"), ("prod", "by HAND")):
        path = both / f"environments/{name}/values.yaml"
        text = path.read_text("utf-8").replace("  cluster: https://kubernetes-prod.example.com:6443\n", "")
        entry = f"  taken-{name}:\n    adopts: {{pipeline: {called}}}\n    values: {{}}\n"
        path.write_text(text.replace("pipelines:\n", f"pipelines:\n{entry}", 1), "utf-8")
    found = [problem.what for problem in twice_claimed(both, ["dev", "prod"])]
    assert any("both have the pipeline 'by hand'" in what for what in found), found
