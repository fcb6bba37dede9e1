from dsl_components import say
from kfp import dsl


@dsl.pipeline(
    name="root-and-names",
    description="A test of names.",
    display_name="Root & names",
    pipeline_root="s3://models/churn",
)
def pipeline():
    say(text="a").set_display_name('Say "a"')
