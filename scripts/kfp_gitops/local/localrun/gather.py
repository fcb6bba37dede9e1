"""The result of a group of tasks from the results of its members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kfp_gitops.local.localrun.scope import Result
from kfp_gitops.local.localrun.spec import Component, Dag, TaskOutput
from kfp_gitops.local.localrun.values import Artifact, Collected, Json, Outputs


def group_result(dag: Dag, results: Mapping[str, Result]) -> Result:
    """How a DAG ended. An output whose producer was skipped is absent: only who needs it fails."""
    parameters = {name: result.outputs.parameters for name, result in results.items()}
    artifacts = {name: result.outputs.artifacts for name, result in results.items()}
    outputs = Outputs(
        {
            key: parameters[s.task][s.key]
            for key, of in dag.parameters.items()
            for s in _first(of, parameters)
        },
        {key: artifacts[s.task][s.key] for key, of in dag.artifacts.items() for s in _first(of, artifacts)},
    )
    return _ended(results.items(), outputs)


def collected(component: Component, iterations: Sequence[Result]) -> Result:
    """How a loop ended: each output is the list of the iterations' (`dsl.Collected`), nested loops in one list."""
    parameters = [result.outputs.parameters for result in iterations]
    artifacts = [result.outputs.artifacts for result in iterations]
    outputs = Outputs(
        {
            key: Collected(tuple(item for each in parameters for item in _items(each[key])))
            for key in component.output_parameters
            if all(key in each for each in parameters)
        },
        {
            key: tuple(artifact for each in artifacts for artifact in each[key])
            for key in component.output_artifacts
            if all(key in each for each in artifacts)
        },
    )
    return _ended(((f"iteration {i}", result) for i, result in enumerate(iterations)), outputs)


def _ended(results: Iterable[tuple[str, Result]], outputs: Outputs) -> Result:
    errors = [f"{name} failed: {result.error}" for name, result in results if result.state == "FAILED"]
    return Result("FAILED", outputs, "; ".join(errors)) if errors else Result("SUCCEEDED", outputs)


def _first(
    selectors: Sequence[TaskOutput],
    outputs: Mapping[str, Mapping[str, Json | Collected]] | Mapping[str, Mapping[str, tuple[Artifact, ...]]],
) -> list[TaskOutput]:
    """The first producer that has the output: of the branches of `dsl.OneOf` only one has run."""
    return [each for each in selectors if each.key in outputs[each.task]][:1]


def _items(value: Json | Collected) -> tuple[Json, ...]:
    return value.items if isinstance(value, Collected) else (value,)
