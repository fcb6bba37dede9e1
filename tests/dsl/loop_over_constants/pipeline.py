from dsl_components import add, say, take
from kfp import dsl


@dsl.pipeline(name="loop-over-constants", description="A test.")
def pipeline():
    with dsl.ParallelFor(["a", "b"], name="texts") as item:
        say(text=item).set_display_name("say")
    with dsl.ParallelFor([1, 2, 3], name="numbers") as item:
        add(a=item).set_display_name("add")
    with dsl.ParallelFor([1.0, 2.5], name="reals") as item:
        take(real=item).set_display_name("take")
    with dsl.ParallelFor([True, False], name="flags") as item:
        take(flag=item).set_display_name("flag")
