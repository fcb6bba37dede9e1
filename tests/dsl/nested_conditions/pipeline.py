from dsl_components import measure, say
from kfp import dsl


@dsl.pipeline(name="nested-conditions", description="A test.")
def pipeline(a: bool = True, n: int = 0):
    measured = measure(name="x").set_display_name("measure")
    with dsl.If(a == True):
        with dsl.If(measured.outputs["count"] > n):
            say(text=measured.outputs["label"]).set_display_name("say")
        with dsl.Else():
            say(text="other").set_display_name("other")
        say(text="beside").set_display_name("beside")
