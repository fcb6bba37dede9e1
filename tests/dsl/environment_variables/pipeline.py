from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="environment-variables", description="A test.")
def pipeline():
    task = say(text="a").set_display_name("say")
    task.set_env_variable("LEVEL", "debug").set_env_variable("TIMES", "3")
