import os.path
import typing as t

import kfp
import kfp.dsl as dsl
from kfp import compiler, components
from pipelines.steps.clean import clean

from . import common
from .steps import clean as cleaning

here = os.path.dirname(__file__)
tally = components.load_component_from_file(os.path.join(here, "../components/tally/component.yaml"))
again = components.load_component_from_file("components/tally/component.yaml")
Names = t.List[str]
DEFAULT = ["a", "b"]


class Scored(t.NamedTuple):
    score: float
    label: str


@common.step(packages_to_install=["numpy"])
def train(names: Names = DEFAULT) -> Scored:
    return (len(names), names[0])


@dsl.component(base_image=common.image("step"), install_kfp_package=False)
def step(rows: int) -> float:
    "Another one of that name."
    return rows


def of_python(minor):
    @dsl.component(base_image=f"python:3.{minor}")
    def checked(minor: int = minor) -> int:
        return minor

    return checked


checks = {minor: of_python(minor) for minor in (11, 12)}


def _score(x: float) -> float:
    return x


score = dsl.component(_score, base_image="python:3.11")


@dsl.container_component
def shell(name: str, out: dsl.OutputPath(str)):
    command = ["sh", "-c"]
    return dsl.ContainerSpec(image=common.image("shell"), command=command, args=["echo", name, out])


@dsl.component(target_image="registry.example.com/containerized:1")
def inside(rows: int) -> int:
    return rows


@dsl.pipeline(name="inner")
def inner(rows: int) -> int:
    return cleaning.step(rows=rows).output


@dsl.pipeline(name="train-all", description="All of it.")
def train_all(rows: int = 3):
    clean(rows=rows)
    tally(text="x")
    again(text="y")
    made = train()
    step(rows=rows)
    for check in checks.values():
        check()
    score(x=made.outputs["score"])
    shell(name="a")
    inside(rows=1)
    inner(rows=2)
    dsl.importer(artifact_uri="s3://bucket/key", artifact_class=dsl.Dataset, reimport=False)


@dsl.pipeline
def other(rows: int = 1):
    clean(rows=rows)
    step(rows=1)


compiler.Compiler().compile(other, "other.yaml")
kfp.Client(host="http://127.0.0.1:1").create_run_from_pipeline_func(other, arguments={})

if __name__ == "__main__":
    compiler.Compiler().compile(train_all, "train.yaml")
