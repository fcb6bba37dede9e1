from dsl_components import report, say, tolerate
from kfp import dsl


@dsl.pipeline(name="ignore-upstream-failure", description="A test.")
def pipeline():
    said = say(text="x").set_display_name("may-fail")
    other = say(text="y").set_display_name("may-fail-too")
    anyway = tolerate(text=said.outputs["said"], note="n").set_display_name("anyway")
    anyway.ignore_upstream_failure()
    report(text="x").set_display_name("tell").after(other).ignore_upstream_failure()
