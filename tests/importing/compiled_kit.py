"""Compiled pipelines for the tests of imports: the cases of tests/dsl, and what no manifest says put into them."""

from __future__ import annotations

from typing import Any

from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import HERE

DSL = HERE / "dsl"
SPECS = {path.stem: path.read_text("utf-8") for path in sorted((DSL / "dsl_components").glob("*.yaml"))}


def compiled(case: str) -> str:
    """The IR of a case."""
    folder = DSL / case
    inner = {p.name.removesuffix(".inner.yaml"): p.read_text() for p in folder.glob("*.inner.yaml")}
    manifest = (folder / "manifest.yaml").read_text()
    return compile_pipeline(RenderedPipeline(case, "sha256:0", manifest, SPECS, inner=inner), "m").text


def with_a_setting(text: str, *labels: str) -> str:
    """The same with a setting that only a later KFP knows, at executors; a manifest has no word for it."""
    documents: list[dict[str, Any]] = ir.documents(text)
    if len(documents) == 1:
        documents.append({"platforms": {"kubernetes": {}}})
    kubernetes = documents[1]["platforms"]["kubernetes"]
    executors = kubernetes.setdefault("deploymentSpec", {}).setdefault("executors", {})
    for label in labels:
        assert label in documents[0]["deploymentSpec"]["executors"]
        executors.setdefault(label, {})["laterSetting"] = {"on": True}
    return dump_all(documents)
