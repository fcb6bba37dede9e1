from typing import NamedTuple

from dsl_components import load, measure, say
from kfp import dsl

Outputs = NamedTuple("Outputs", data=dsl.Dataset, score=float, said=list)


@dsl.pipeline(name="described-outputs", description="A test.")
def pipeline() -> Outputs:
    """A test.

    Returns:
        data: usage by hour.
        said: what was said.
    """
    data = load().set_display_name("load")
    measured = measure(name="x").set_display_name("measure")
    with dsl.ParallelFor(["a", "b"], name="each") as item:
        said = say(text=item).set_display_name("say")
    return Outputs(
        data=data.outputs["data"], score=measured.outputs["score"], said=dsl.Collected(said.outputs["said"])
    )
