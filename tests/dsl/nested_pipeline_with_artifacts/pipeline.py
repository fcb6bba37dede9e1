from typing import NamedTuple

from dsl_components import load, merge, train
from kfp import dsl


@dsl.pipeline(name="train-one", description="Inside.")
def train_one(data: dsl.Input[dsl.Dataset], rate: float, extra: dsl.Input[dsl.Artifact] = None) -> NamedTuple(
    "Outputs", model=dsl.Model
):
    trained = train(data=data, rate=rate).set_display_name("train")
    return NamedTuple("Outputs", model=dsl.Model)(model=trained.outputs["model"])


@dsl.pipeline(name="train-all", description="Inside.")
def train_all(data: dsl.Input[dsl.Dataset], others: dsl.Input[list[dsl.Model]]) -> NamedTuple(
    "Outputs", best=dsl.Model, models=list[dsl.Model]
):
    with dsl.ParallelFor([0.5, 0.25], name="each-rate") as rate:
        one = train_one(data=data, rate=rate).set_display_name("one")
    merged = merge(models=others).set_display_name("merge")
    outputs = NamedTuple("Outputs", best=dsl.Model, models=list[dsl.Model])
    return outputs(best=merged.outputs["best"], models=dsl.Collected(one.outputs["model"]))


@dsl.pipeline(name="nested-pipeline-with-artifacts", description="A test.")
def pipeline():
    loaded = load().set_display_name("load")
    with dsl.ParallelFor([0.1, 0.2], name="each-rate") as rate:
        trained = train(data=loaded.outputs["data"], rate=rate).set_display_name("train")
    models = dsl.Collected(trained.outputs["model"])
    done = train_all(data=loaded.outputs["data"], others=models).set_display_name("train-all")
    merge(models=done.outputs["models"]).set_display_name("merge")
