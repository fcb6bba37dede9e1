from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="caching", description="A test.")
def pipeline():
    say(text="a").set_display_name("default")
    say(text="b").set_display_name("on").set_caching_options(True)
    say(text="c").set_display_name("off").set_caching_options(False)
    say(text="d").set_display_name("keyed").set_caching_options(True, cache_key="v7")
