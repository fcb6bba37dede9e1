from dsl_components import say, take, tolerate
from kfp import dsl


@dsl.pipeline(name="parameters", description="A test.")
def pipeline(
    needed: str,
    text: str = "hello",
    number: int = 3,
    real: float = 2.0,
    flag: bool = False,
    items: list = [1, "two", {"three": 3}],
    fields: dict = {"a": 1, "b": [True]},
    maybe: str = None,
):
    """A test.

    Args:
        text: what to say: anything
    """
    task = take(text=text, number=number, real=real, flag=flag, items=items, fields=fields)
    task.set_display_name("take")
    say(text=needed).set_display_name("say")
    tolerate(note=maybe).set_display_name("maybe")
