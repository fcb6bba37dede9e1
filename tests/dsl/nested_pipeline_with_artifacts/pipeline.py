from typing import NamedTuple

from dsl_components import merge, split, train
from kfp import dsl


@dsl.pipeline(name="train-one", description="Inside.")
def train_one(data: dsl.Input[dsl.Dataset], rate: float, extra: dsl.Input[dsl.Artifact] = None) -> NamedTuple(
    "Outputs", model=dsl.Model
):
    trained = train(data=data, rate=rate).set_display_name("train")
    return NamedTuple("Outputs", model=dsl.Model)(model=trained.outputs["model"])


@dsl.pipeline(name="train-all", description="Inside.")
def train_all(pieces: dsl.Input[list[dsl.Dataset]], rate: float) -> NamedTuple(
    "Outputs", best=dsl.Model, models=list[dsl.Model]
):
    with dsl.ParallelFor(pieces, name="each-piece") as piece:
        one = train_one(data=piece, rate=rate).set_display_name("one")
    merged = merge(models=dsl.Collected(one.outputs["model"])).set_display_name("merge")
    outputs = NamedTuple("Outputs", best=dsl.Model, models=list[dsl.Model])
    return outputs(best=merged.outputs["best"], models=dsl.Collected(one.outputs["model"]))


@dsl.pipeline(name="nested-pipeline-with-artifacts", description="A test.")
def pipeline():
    pieces = split(parts=2).set_display_name("split")
    with dsl.ParallelFor([0.5, 0.25], name="each-rate") as rate:
        trained = train_all(pieces=pieces.outputs["pieces"], rate=rate).set_display_name("train-all")
    merge(models=dsl.Collected(trained.outputs["best"])).set_display_name("merge")
