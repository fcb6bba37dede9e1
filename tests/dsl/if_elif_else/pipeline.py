from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="if-elif-else", description="A test.")
def pipeline(n: int = 1):
    with dsl.If(n < 10, name="small"):
        say(text="small").set_display_name("small")
    with dsl.Elif(n < 100, name="middle"):
        say(text="middle").set_display_name("middle")
    with dsl.Elif(n < 1000):
        say(text="large").set_display_name("large")
    with dsl.Else(name="the rest"):
        say(text="huge").set_display_name("huge")
    say(text="last").set_display_name("last")
