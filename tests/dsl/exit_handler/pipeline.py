from dsl_components import report, say
from kfp import dsl


@dsl.pipeline(name="exit-handler", description="A test.")
def pipeline(to: str = "team"):
    tell = report(text=to).set_display_name("tell").set_caching_options(False)
    with dsl.ExitHandler(tell, name="everything") as everything:
        said = say(text="x").set_display_name("say")
        say(text=said.outputs["said"]).set_display_name("again")
    say(text="done").set_display_name("after-all").after(everything)
