"""Every construct of the KFP DSL: a manifest compiles to the IR of the hand-written pipeline beside it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from kfp import compiler as kfp_compiler
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import Identity, compile_pipeline, identify_pipeline
from kfp_gitops.language.manifest import nested, reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import components
from kfp_gitops.sources.components import Interface

HERE = Path(__file__).parent
_WARNED = (
    "arrives as a text",
    "puts it into JSON unescaped",
    "stays a placeholder",
    "never retried",
    "does not read this key",
)
CASES = sorted(path.parent.name for path in HERE.glob("*/manifest.yaml"))
SPECS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "dsl_components").glob("*.yaml"))}


def _rendered(case: str) -> RenderedPipeline:
    inner = {
        path.name.removesuffix(".inner.yaml"): path.read_text() for path in (HERE / case).glob("*.inner.yaml")
    }
    return RenderedPipeline(case, "sha256:0", (HERE / case / "manifest.yaml").read_text(), SPECS, inner=inner)


def _without_sdk(text: str) -> list[dict[str, Any]]:
    documents = ir.documents(text)
    documents[0].pop("sdkVersion")
    return documents


def _hand_written(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.syspath_prepend(HERE)
    pipeline = runpy.run_path(str(HERE / case / "pipeline.py"))["pipeline"]
    path = folder / "hand-written.yaml"
    kfp_compiler.Compiler().compile(pipeline, str(path))
    return _handing_over(_without_sdk(path.read_text()))


def _handing_over(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the compiler mends what KFP's driver lacks: defaults of inputs that stand in a command line are given."""
    spec = documents[0]
    for dag in (part["dag"] for part in (spec["root"], *spec["components"].values()) if "dag" in part):
        for task in dag["tasks"].values():
            component = spec["components"][task["componentRef"]["name"]]
            executor = spec["deploymentSpec"]["executors"].get(component.get("executorLabel"), {})
            line = str(executor.get("container", {}).get("args", []))
            for name, input in component.get("inputDefinitions", {}).get("parameters", {}).items():
                given = task.get("inputs", {}).get("parameters", {})
                if (
                    "defaultValue" in input
                    and name not in given
                    and f".parameters['{name}']}}}}" in line.replace('"', "")
                ):
                    task.setdefault("inputs", {}).setdefault("parameters", {})[name] = {
                        "runtimeValue": {"constant": input["defaultValue"]}
                    }
    return documents


@pytest.mark.parametrize("case", CASES)
def test_a_manifest_compiles_to_the_ir_of_the_hand_written_pipeline(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _without_sdk(compile_pipeline(_rendered(case), "m").text) == _hand_written(
        case, tmp_path, monkeypatch
    )


@pytest.mark.parametrize("case", CASES)
def test_a_manifest_has_one_identity_with_and_without_the_text(case: str) -> None:
    rendered = _rendered(case)
    compiled = compile_pipeline(rendered, "m")
    identity = identify_pipeline(rendered, "m")
    assert identity == Identity(compiled.digest, compiled.warnings, compiled.placeholders)


@pytest.mark.parametrize("case", CASES)
def test_the_checks_find_nothing_wrong(case: str) -> None:
    rendered = _rendered(case)
    known = {name: components.read(name, text, f"{name}.yaml") for name, text in SPECS.items()}
    outer = reader.read(rendered.manifest, "pipeline.yaml")
    inner = {name: reader.read(text, f"{name}.yaml") for name, text in rendered.inner.items()}
    interfaces: dict[str, Interface] = {}
    for name in nested.innermost_first(outer, inner):
        assert check.problems(inner[name], known, interfaces, nested=True) == []
        assert check.nested_problems(inner[name]) == []
        interfaces[name] = check.interface(inner[name], known, interfaces)
    assert check.problems(outer, known, interfaces) == []
    warned = [problem.what for problem in check.warnings(outer, known, interfaces)]
    assert all(any(part in what for part in _WARNED) for what in warned), warned
    assert bool(warned) == (case in ("caching", "lists_and_maps_of_references", "text_of_parts", "retries"))


def test_there_are_at_least_thirty_pairs() -> None:
    assert len(CASES) >= 30
