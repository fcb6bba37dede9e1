from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="if-elif-without-else", description="A test.")
def pipeline(n: int = 1):
    say(text="first").set_display_name("first")
    with dsl.If(n < 10):
        say(text="small").set_display_name("small")
    with dsl.Elif(n < 100):
        say(text="middle").set_display_name("middle")
