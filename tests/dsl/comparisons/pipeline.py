from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="comparisons", description="A test.")
def pipeline(n: int = 1, r: float = 0.5, s: str = "a", b: bool = True, m: int = 2):
    with dsl.If(b == True):
        say(text="x").set_display_name("say-eq")
    with dsl.If(s != "b"):
        say(text="x").set_display_name("say-ne")
    with dsl.If(r < 2):
        say(text="x").set_display_name("say-lt")
    with dsl.If(n <= 2.5):
        say(text="x").set_display_name("say-le")
    with dsl.If(n > m):
        say(text="x").set_display_name("say-gt")
    with dsl.If(n >= r):
        say(text="x").set_display_name("say-ge")
    with dsl.If(n > 3):
        say(text="x").set_display_name("say-mirrored")
