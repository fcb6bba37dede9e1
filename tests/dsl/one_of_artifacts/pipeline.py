from typing import NamedTuple

from dsl_components import load, train, use_model
from kfp import dsl


@dsl.pipeline(name="one-of-artifacts", description="A test.")
def pipeline(big: bool = True) -> NamedTuple("Outputs", model=dsl.Model):
    data = load().set_display_name("load")
    with dsl.If(big == True):
        first = train(data=data.outputs["data"], rate=0.5).set_display_name("train-big")
    with dsl.Else():
        second = train(data=data.outputs["data"]).set_display_name("train-small")
    use_model(model=dsl.OneOf(first.outputs["model"], second.outputs["model"])).set_display_name("use")
    outputs = NamedTuple("Outputs", model=dsl.Model)
    return outputs(model=dsl.OneOf(first.outputs["model"], second.outputs["model"]))
