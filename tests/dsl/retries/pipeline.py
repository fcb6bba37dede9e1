from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="retries", description="A test.")
def pipeline():
    say(text="a").set_display_name("plain").set_retry(2)
    say(text="b").set_display_name("waiting").set_retry(5, "5m", 3, "2h")
