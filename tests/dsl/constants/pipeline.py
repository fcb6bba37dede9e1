from dsl_components import take
from kfp import dsl


@dsl.pipeline(name="constants", description="A test.")
def pipeline():
    task = take(
        text="it's",
        number=-7,
        real=1.0,
        flag=True,
        items=["a", 1, [True, {"b": 2.5}]],
        fields={"param": "not a reference"},
    )
    task.set_display_name("take")
