from typing import NamedTuple

from dsl_components import load, say, train
from kfp import dsl


@dsl.pipeline(name="prepare", description="Inside.")
def prepare(source: str, times: int = 1) -> NamedTuple("Outputs", data=dsl.Dataset, last=str):
    data = load(source=source).set_display_name("load")
    with dsl.If(times > 1):
        say(text="more").set_display_name("more")
    last = say(text=f"{times} times").set_display_name("last")
    outputs = NamedTuple("Outputs", data=dsl.Dataset, last=str)
    return outputs(data=data.outputs["data"], last=last.outputs["said"])


@dsl.pipeline(name="nested-pipeline", description="A test.")
def pipeline(n: int = 2):
    prepared = prepare(source="raw", times=n).set_display_name("prepare").set_retry(1)
    train(data=prepared.outputs["data"]).set_display_name("train")
    say(text=prepared.outputs["last"]).set_display_name("say")
