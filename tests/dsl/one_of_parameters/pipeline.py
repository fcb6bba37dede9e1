from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="one-of-parameters", description="A test.")
def pipeline(n: int = 1):
    with dsl.If(n < 10):
        small = say(text="small").set_display_name("small")
    with dsl.Elif(n < 100):
        middle = say(text="middle").set_display_name("middle")
    with dsl.Else():
        large = say(text="large").set_display_name("large")
    said = [task.outputs["said"] for task in (small, middle, large)]
    say(text=dsl.OneOf(*said)).set_display_name("use")
