from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="if-only", description="A test.")
def pipeline(mode: str = "full"):
    with dsl.If(mode == "full"):
        say(text=mode).set_display_name("say")
    say(text="z").set_display_name("after")
