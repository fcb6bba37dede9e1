from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="explicit-order", description="A test.")
def pipeline():
    first = say(text="a").set_display_name("first")
    second = say(text="b").set_display_name("second").after(first)
    with dsl.ParallelFor(["x", "y"], name="each") as item:
        looped = say(text=item).set_display_name("each-say")
    say(text="c").set_display_name("third").after(second, looped)
