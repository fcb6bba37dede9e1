from dsl_components import say, take
from kfp import dsl


@dsl.pipeline(name="loop-over-maps", description="A test.")
def pipeline():
    items = [{"service": "web", "team": "a"}, {"service": "api", "team": "b"}]
    with dsl.ParallelFor(items, name="each service") as item:
        say(text=item.service).set_display_name("say")
        say(text=item.team).set_display_name("again")
        take(fields=item).set_display_name("whole")
