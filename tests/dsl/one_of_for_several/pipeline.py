from typing import NamedTuple

from dsl_components import add, say
from kfp import dsl


@dsl.pipeline(name="one-of-for-several", description="A test.")
def pipeline(n: int = 1) -> NamedTuple("Outputs", said=str):
    with dsl.If(n < 10):
        small = say(text="small").set_display_name("small")
        few = add(a=n).set_display_name("few")
    with dsl.Else():
        large = say(text="large").set_display_name("large")
        many = add(a=n).set_display_name("many")
    total = dsl.OneOf(few.outputs["sum"], many.outputs["sum"])
    said = dsl.OneOf(small.outputs["said"], large.outputs["said"])
    dsl.OneOf(small.outputs["said"], large.outputs["said"])  # which nobody takes
    other = dsl.OneOf(few.outputs["sum"], many.outputs["sum"])
    say(text=said).set_display_name("use")
    with dsl.If(n != 5, name="not five"):
        say(text=said).set_display_name("use-again")
        add(a=total, b=other).set_display_name("use-all")
    alone = dsl.OneOf(few.outputs["sum"], many.outputs["sum"])
    add(a=alone).set_display_name("use-alone")
    return NamedTuple("Outputs", said=str)(said=said)
