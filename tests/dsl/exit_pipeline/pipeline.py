from dsl_components import say, take
from kfp import dsl


@dsl.pipeline(name="tell", description="Inside.")
def tell(to: str, status: dsl.PipelineTaskFinalStatus):
    take(fields=status, text=to).set_display_name("take")
    with dsl.If(to == "team", name="team"):
        take(fields=status).set_display_name("take-again")


@dsl.pipeline(name="exit-pipeline", description="A test.")
def pipeline(to: str = "team"):
    told = tell(to=to).set_display_name("told")
    with dsl.ExitHandler(told, name="all"):
        say(text="x").set_display_name("say")
