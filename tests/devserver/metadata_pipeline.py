"""A pipeline with each way in which tasks give something: parameters, artifacts, loops, groups, conditions, imports."""

from kfp import dsl


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def measure(
    share: float,
    metrics: dsl.Output[dsl.Metrics],
    judged: dsl.Output[dsl.ClassificationMetrics],
    data: dsl.Output[dsl.Dataset],
) -> int:
    from pathlib import Path

    Path(data.path).write_text("content")
    metrics.log_metric("share", share)
    metrics.log_metric("third", share / 3)
    metrics.log_metric("whole", True)
    judged.log_confusion_matrix(["a", "b"], [[9, 1], [0, 10]])
    judged.log_roc_curve([0.0, 0.5, 1.0], [0.0, 1.0, 1.0], [0.9, 0.5, 0.1])
    return 7


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def give(number: int, many: dsl.OutputPath(str)) -> list:
    from pathlib import Path

    Path(many).write_text(str(number))
    return [number, {"deep": [None, True, 1.5, "ä"]}]


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def scored(number: int, metrics: dsl.Output[dsl.Metrics]) -> int:
    metrics.log_metric("score", number * 1.5)
    return number * 10


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def broken() -> str:
    raise ValueError("no")


@dsl.pipeline
def inner(share: float) -> int:
    one = measure(share=share)
    return one.outputs["Output"]


@dsl.pipeline
def gives(uri: str, share: float = 0.25, fail: bool = False) -> int:
    first = measure(share=share).set_display_name("The measure")
    give(number=first.outputs["Output"])
    with dsl.ParallelFor([1, 2, 3], name="each") as item:
        scored(number=item)
    with dsl.If(first.outputs["Output"] == 8):
        give(number=1)
    dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=False)
    nested = inner(share=0.5)
    with dsl.If(fail == True):  # noqa: E712 it is no Python condition
        broken()
    return nested.output
