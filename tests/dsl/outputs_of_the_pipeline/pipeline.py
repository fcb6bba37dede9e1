from typing import NamedTuple

from dsl_components import add, load, measure, say
from kfp import dsl

Outputs = NamedTuple("Outputs", data=dsl.Dataset, score=float, said=list, number=int)


@dsl.pipeline(name="outputs-of-the-pipeline", description="A test.")
def pipeline(big: bool = True) -> Outputs:
    data = load().set_display_name("load")
    with dsl.ParallelFor(["a", "b"], name="each") as item:
        said = say(text=item).set_display_name("say")
    measured = measure(name="x").set_display_name("measure")
    with dsl.If(big == True):
        first = add(a=1).set_display_name("big")
    with dsl.Else():
        second = add(a=2).set_display_name("small")
    return Outputs(
        data=data.outputs["data"],
        score=measured.outputs["score"],
        said=dsl.Collected(said.outputs["said"]),
        number=dsl.OneOf(first.outputs["sum"], second.outputs["sum"]),
    )
