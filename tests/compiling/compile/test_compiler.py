"""The compiler writes what a hand-written DSL pipeline compiles to."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler as kfp_compiler
from kfp import components, dsl
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.compiling import compiler, ir
from kfp_gitops.rendering import specs as specs_of
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import PROJECT

GREET_X = {"component": "greet", "arguments": {"name": "x"}}
HEAD = {"apiVersion": "kfp-gitops/v1", "kind": "PipelineManifest"}


def _pipeline(name: str, spec: dict[str, Any], specs: dict[str, str]) -> RenderedPipeline:
    metadata = {"name": name, "description": "d", "owner": "o"}
    return RenderedPipeline(name, "sha256:0", dump({**HEAD, "metadata": metadata, "spec": spec}), specs)


def _ir_of(pipeline: Any, folder: Path) -> list[dict[str, Any]]:
    path = folder / "hand-written.yaml"
    kfp_compiler.Compiler().compile(pipeline, str(path))
    return ir.documents(path.read_text())


@pytest.fixture(scope="module")
def specs() -> dict[str, str]:
    root = PROJECT / "tests/data/repository/components"
    return {path.parent.name: path.read_text() for path in root.glob("*/component.yaml")}


@pytest.fixture(scope="module")
def loaded(specs: dict[str, str]) -> dict[str, Any]:
    return {name: components.load_component_from_text(text) for name, text in specs.items()}


def test_manifest_and_dsl_compile_to_the_same_ir(
    repository: Path, loaded: dict[str, Any], tmp_path: Path
) -> None:
    """Parameters, outputs, a container component, if/else, a loop with parallelism."""
    rendered = render(repository, "dev")
    compiled = compiler.compile_pipeline(rendered.pipelines[0], rendered.folder)
    images = {"steps": f"registry.example.com/steps@sha256:{'1' * 64}"}

    def named(component: Any, display_name: str, **arguments: Any) -> Any:
        task = component(**arguments)
        task.set_display_name(display_name)
        return task

    greet, count = loaded["greet"], loaded["count_words"]

    @dsl.pipeline(name="hello", description="Greets, counts the words, and greets again when there are many.")
    def hello(name: str = "dev", threshold: int = 3) -> None:
        greeting = named(greet, "greet", name=name)
        words = named(count, "count", text=greeting.outputs["greeting"])
        with dsl.If(words.outputs["words"] > threshold):
            named(greet, "greet-many", name="many")
        with dsl.Else():
            named(greet, "greet-few", name="few")
        with dsl.ParallelFor(["a", "b"], name="each", parallelism=2) as item:
            named(greet, "greet-item", name=item)

    expected = _ir_of(hello, tmp_path)
    for executor in expected[0]["deploymentSpec"]["executors"].values():
        executor["container"]["image"] = images[executor["container"]["image"]]
    assert ir.documents(compiled.text) == expected


def test_exit_handler_settings_and_run_facts_are_those_of_the_dsl(
    specs: dict[str, str], loaded: dict[str, Any], tmp_path: Path
) -> None:
    spec = {
        "tasks": {
            "all": {
                "finally": {"last": {"component": "greet", "arguments": {"name": {"run": "id"}}}},
                "tasks": {
                    "first": {
                        "component": "greet",
                        "arguments": {"name": "x"},
                        "retry": {"count": 2, "backoff": "30s", "factor": 2, "maxBackoff": "10m"},
                        "cache": False,
                        "env": {"A": "1"},
                        "resources": {
                            "cpu": {"request": "250m", "limit": "1"},
                            "memory": {"request": "512Mi", "limit": "1Gi"},
                        },
                    },
                    "second": {"component": "greet", "arguments": {"name": "y"}, "after": ["first"]},
                },
            }
        }
    }
    greet = loaded["greet"]

    @dsl.pipeline(name="guarded", description="d")
    def guarded() -> None:
        last = greet(name=dsl.PIPELINE_JOB_ID_PLACEHOLDER).set_display_name("last")
        with dsl.ExitHandler(last, name="all"):
            first = greet(name="x").set_display_name("first")
            first.set_retry(2, backoff_duration="30s", backoff_factor=2, backoff_max_duration="10m")
            first.set_caching_options(False)
            first.set_cpu_request("250m").set_cpu_limit("1")
            first.set_memory_request("512Mi").set_memory_limit("1Gi")
            first.set_env_variable("A", "1")
            greet(name="y").set_display_name("second").after(first)

    compiled = compiler.compile_pipeline(_pipeline("guarded", spec, specs), "manifests/dev")
    assert ir.documents(compiled.text) == _ir_of(guarded, tmp_path)


def test_loops_collect_and_importers_are_those_of_the_dsl(
    specs: dict[str, str], loaded: dict[str, Any], tmp_path: Path
) -> None:
    @dsl.component(base_image="steps", install_kfp_package=False)
    def join(texts: list, data: dsl.Input[dsl.Dataset]) -> str:  # type: ignore[type-arg]  # as the DSL wants it
        return " ".join(texts)

    path = tmp_path / "join.yaml"
    kfp_compiler.Compiler().compile(join, str(path))
    joined = components.load_component_from_file(str(path))
    spec = {
        "parameters": {"uri": {"type": "str"}, "items": {"type": "list", "default": [{"a": "x"}]}},
        "tasks": {
            "join": {
                "component": "join",
                "arguments": {
                    "texts": {"collect": {"task": "greet", "output": "greeting"}},
                    "data": {"task": "data", "output": "artifact"},
                },
            },
            "data": {"importer": {"uri": {"param": "uri"}, "type": "Dataset", "reimport": True}},
            "each": {
                "loop": {"items": {"param": "items"}},
                "tasks": {
                    "greet": {"component": "greet", "arguments": {"name": {"item": "each", "field": "a"}}}
                },
            },
        },
    }

    @dsl.pipeline(name="collected", description="d")
    def collected(
        uri: str,
        items: list = [{"a": "x"}],  # type: ignore[type-arg]  # noqa: B006  # as the DSL wants it
    ) -> None:
        with dsl.ParallelFor(items, name="each") as item:
            greeting = loaded["greet"](name=item.a).set_display_name("greet")
        data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=True)
        joined(texts=dsl.Collected(greeting.outputs["greeting"]), data=data.output).set_display_name("join")

    pipeline = _pipeline("collected", spec, {**specs, "join": path.read_text()})
    assert ir.documents(compiler.compile_pipeline(pipeline, "m").text) == _ir_of(collected, tmp_path)


@pytest.mark.parametrize(
    ("comparison", "cel"),
    [
        ({"eq": [{"param": "n"}, 3]}, "== 3"),
        ({"ne": [{"param": "n"}, 3]}, "!= 3"),
        ({"lt": [{"param": "n"}, 3]}, "< 3"),
        ({"le": [{"param": "n"}, 3]}, "<= 3"),
        ({"gt": [{"param": "n"}, 3]}, "> 3"),
        ({"ge": [{"param": "n"}, 3]}, ">= 3"),
        ({"gt": [3, {"param": "n"}]}, "< 3"),
        ({"le": [3, {"param": "n"}]}, ">= 3"),
    ],
    ids=str,
)
def test_all_comparisons(comparison: dict[str, Any], cel: str, specs: dict[str, str]) -> None:
    spec = {
        "parameters": {"n": {"type": "int", "default": 1}},
        "tasks": {"g": {"if": comparison, "tasks": {"t": GREET_X}}},
    }
    text = compiler.compile_pipeline(_pipeline("p", spec, specs), "m").text
    (document,) = ir.documents(text)
    condition = document["root"]["dag"]["tasks"]["condition-1"]["triggerPolicy"]["condition"]
    assert condition == f"int(inputs.parameter_values['pipelinechannel--n']) {cel}"


def test_the_digest_ignores_the_sdk_version_and_nothing_else(specs: dict[str, str]) -> None:
    spec = {"tasks": {"t": GREET_X}}
    text = compiler.compile_pipeline(_pipeline("p", spec, specs), "m").text
    documents = ir.documents(text)
    other_sdk = [{**documents[0], "sdkVersion": "kfp-9.9.9"}]
    assert ir.digest(other_sdk) == ir.digest(documents)
    other_name = [{**documents[0], "pipelineInfo": {"name": "q"}}]
    assert ir.digest(other_name) != ir.digest(documents)
    second_document = [*documents, {"platforms": {}}]
    assert ir.digest(second_document) != ir.digest(documents)


def test_what_the_sdk_refuses_names_the_file_and_the_line_of_the_task(specs: dict[str, str]) -> None:
    spec = {
        "parameters": {"d": {"type": "dict", "default": {}}},
        "tasks": {
            "g": {
                "if": {"eq": [{"param": "d"}, "x"]},
                "tasks": {"t": {"component": "greet", "arguments": {"name": "x"}}},
            }
        },
    }
    with pytest.raises(InputError) as caught:
        compiler.compile_pipeline(_pipeline("p", spec, specs), "manifests/dev")
    (problem,) = caught.value.problems
    assert problem.path == "manifests/dev/pipelines/p/pipeline.yaml"
    assert problem.line > 1
    assert "the kfp SDK does not compile this: ValueError" in problem.what


def test_spec_that_the_sdk_does_not_load_is_named_itself(specs: dict[str, str]) -> None:
    broken = specs["greet"].replace("parameterType: STRING", "parameterType: WORDS")
    assert broken != specs["greet"]
    spec = {"tasks": {"t": {"component": "greet", "arguments": {"name": "x"}}}}
    with pytest.raises(InputError) as caught:
        compiler.compile_pipeline(_pipeline("p", spec, {**specs, "greet": broken}), "manifests/dev")
    (problem,) = caught.value.problems
    assert problem.path == f"manifests/dev/components/greet-{specs_of.hash8(broken)}.yaml"
    assert problem.what == "kfp 2.17 does not load this: ValueError: Unknown type WORDS found in IR."


def test_every_shipped_component_spec_is_what_its_wrapper_compiles_to(command: Callable[..., Any]) -> None:
    outcome = command("components", "--root", PROJECT, "--check")
    assert (outcome.code, outcome.out) == (0, "")


def test_the_lock_holds_for_the_same_bytes_in_another_process(repository: Path) -> None:
    script = PROJECT / "scripts/render.py"
    subprocess.run([sys.executable, script, "--root", repository, "--env", "dev", "--lock"], check=True)
    locked = yaml.safe_load((repository / "manifests/dev/versions.lock.yaml").read_text())
    rendered = render(repository, "dev")
    compiled = compiler.compile_pipeline(rendered.pipelines[0], rendered.folder)
    assert locked["pipelines"]["hello"]["digest"] == compiled.digest
