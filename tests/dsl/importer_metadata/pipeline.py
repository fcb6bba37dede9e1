from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="importer-metadata", description="A test.")
def pipeline(who: str = "me", what: str = "rows"):
    said = say(text="hello").set_display_name("said")
    metadata = {what: {"tags": [who, "b"]}, f"by-{who}": f"is {said.outputs['said']}", "plain": what}
    dsl.importer(artifact_uri="s3://b/data.csv", artifact_class=dsl.Dataset, metadata=metadata)
    ordered = {"z": what, "a": {"y": who, "b": said.outputs["said"]}}
    dsl.importer(artifact_uri="s3://b/data.csv", artifact_class=dsl.Dataset, metadata=ordered)
