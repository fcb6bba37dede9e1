"""An IR with every kind of reference, compiled by the SDK from hand-written DSL."""

import copy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml
from kfp import compiler, dsl, kubernetes


@dsl.component(base_image="steps", install_kfp_package=False)
def make(text: str = "x") -> NamedTuple("Outputs", text=str, number=int):
    return (text, 1)


@dsl.component(base_image="steps", install_kfp_package=False)
def use(number: int, text: str = "y") -> int:
    return number


@dsl.component(base_image="steps", install_kfp_package=False)
def write(data: dsl.Output[dsl.Dataset], text: str) -> None: ...


@dsl.component(base_image="steps", install_kfp_package=False)
def read(data: dsl.Input[dsl.Dataset]) -> str:
    return data.uri


@dsl.component(base_image="steps", install_kfp_package=False)
def total(numbers: list) -> int:
    return sum(numbers)


@dsl.component(base_image="steps", install_kfp_package=False)
def report(status: dsl.PipelineTaskFinalStatus, text: str) -> None: ...


@dsl.container_component
def container(text: str, size: dsl.OutputPath(int), data: dsl.Output[dsl.Dataset]):
    return dsl.ContainerSpec(image="steps", command=["sh", "-c"], args=[text, size, data.path])


@dsl.pipeline
def inner(text: str) -> str:
    made = write(text=text)
    return read(data=made.outputs["data"]).output


@dsl.pipeline
def look(data: dsl.Input[dsl.Dataset]):
    read(data=data)


@dsl.pipeline(name="rich")
def rich(uri: str, rows: list = [{"a": 1}], secret: str = "s") -> int:  # noqa: B006
    with dsl.ExitHandler(report(text="done")):
        made = make()
        use(number=made.outputs["number"], text=f"{secret}-{made.outputs['text']}")
    task = use(number=2)
    kubernetes.use_secret_as_env(task, secret_name=secret, secret_key_to_env={"key": "KEY"})
    nested = inner(text=uri)
    taken = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset)
    read(data=taken.output).after(nested)
    look(data=taken.output)
    counted = container(text=nested.output)
    with dsl.If(counted.outputs["size"] > 3):
        one = use(number=counted.outputs["size"])
    with dsl.Else():
        two = use(number=1)
    use(number=dsl.OneOf(one.output, two.output))
    with dsl.ParallelFor(rows, parallelism=2) as row:
        inside = use(number=1, text=row.a)
    return total(numbers=dsl.Collected(inside.output)).output


@dsl.pipeline(name="broken")
def gh_13273(go: str):
    with dsl.If(go == "x"), dsl.ParallelFor([{"a": "1"}, {"a": "2"}]) as row:
        make(text=row.a)


@cache
def _documents() -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rich.yaml"
        compiler.Compiler().compile(rich, str(path))
        return list(yaml.safe_load_all(path.read_text("utf-8")))


def documents() -> list[dict[str, Any]]:
    """The two documents; a copy, for tests break it."""
    return copy.deepcopy(_documents())
