"""Python files that are no DSL of KFP: of which tool they are, by what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from kfp_gitops.base.errors import Problem

_STEPS = (
    "write its steps as components of KFP (docs/first-pipeline.md): the functions can stay, the graph cannot"
)
_TOOLS: Mapping[str, tuple[str, str]] = {
    "airflow": ("a DAG of Airflow", _STEPS),
    "prefect": ("a flow of Prefect", _STEPS),
    "dagster": ("a job of Dagster", _STEPS),
    "metaflow": ("a flow of Metaflow", _STEPS),
    "flytekit": ("a workflow of Flyte", _STEPS),
    "kedro": ("a pipeline of Kedro", _STEPS),
    "luigi": ("a task of Luigi", _STEPS),
    "sagemaker": ("a pipeline of Amazon SageMaker", _STEPS),
    "azure": ("a pipeline of Azure Machine Learning", _STEPS),
    "hera": ("a workflow of Hera, which writes Argo Workflows", _STEPS),
    "kfp_tekton": ("compiled by kfp-tekton, which is of KFP 1", "compile it with the SDK of KFP 2 (`kfp dsl compile`)"),
    "zenml": ("a pipeline of ZenML", "let its Kubeflow orchestrator write the compiled pipeline, and bring that"),
    "tfx": (
        "a pipeline of TFX",
        "compile it with its KubeflowV2DagRunner, and bring the `pipelineSpec` of what that writes",
    ),
}  # fmt: skip


def what_it_is(text: str, path: str) -> Problem | None:
    """That a file is of another tool; None where it is of KFP, or of nothing that is known here."""
    try:
        found = list(_imported(ast.parse(text)))
    except (SyntaxError, ValueError):
        return None  # who compiles it says so at its line
    if any(name == "kfp" for name, _ in found):
        return None
    for name, line in found:
        if name in _TOOLS:
            what, todo = _TOOLS[name]
            return Problem(path, line, 1, f"this is {what}, and imports no kfp", todo)
    return None


def _imported(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Packages, by what stands outside of functions; a step may import whatever it likes."""
    for node in ast.walk(ast.Module([one for one in module.body if not _is_step(one)], [])):
        if isinstance(node, ast.Import):
            yield from ((one.name.partition(".")[0], node.lineno) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def _is_step(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
