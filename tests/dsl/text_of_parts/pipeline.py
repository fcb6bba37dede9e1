from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="text-of-parts", description="A test.")
def pipeline(bucket: str = "b", n: int = 1):
    first = say(text=f"s3://{bucket}/{n}/").set_display_name("first")
    say(text=f"{first.outputs['said']}-2").set_display_name("second")
