from dsl_components import say, take
from kfp import dsl


@dsl.pipeline(name="lists-and-maps-of-references", description="A test.")
def pipeline(n: int = 1, words: list = []):
    said = say(text="x").set_display_name("say")
    task = take(items=[n, said.outputs["said"], "plain"], fields={"n": n, "inner": {"words": [words]}})
    task.set_display_name("take")
