from dsl_components import measure, say
from kfp import dsl


@dsl.pipeline(name="if-else", description="A test.")
def pipeline():
    measured = measure(name="x").set_display_name("measure")
    with dsl.If(measured.outputs["score"] >= 1):
        say(text=measured.outputs["label"]).set_display_name("celebrate")
    with dsl.Else():
        say(text="oh").set_display_name("mourn")
