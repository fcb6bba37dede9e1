from typing import NamedTuple

from dsl_components import deploy
from kfp import dsl


class TunedModel(dsl.Artifact):
    schema_title = "google.TunedModel"
    schema_version = "2.0.0"


class OldDataset(dsl.Artifact):
    schema_title = "system.Dataset"
    schema_version = "0.0.2"


class VertexEndpoint(dsl.Artifact):
    schema_title = "google.VertexEndpoint"
    schema_version = "0.0.1"


class BQTable(dsl.Artifact):
    schema_title = "google.BQTable"
    schema_version = "0.0.1"


@dsl.pipeline(name="again", description="Inside.")
def again(
    model: dsl.Input[TunedModel], endpoint: dsl.Input[VertexEndpoint], more: dsl.Input[list[BQTable]] = None
) -> NamedTuple("Outputs", endpoint=VertexEndpoint):
    done = deploy(model=model).set_display_name("deploy")
    return NamedTuple("Outputs", endpoint=VertexEndpoint)(endpoint=done.outputs["endpoint"])


@dsl.pipeline(name="artifact-types", description="A test.")
def pipeline():
    tuned = dsl.importer(artifact_uri="s3://b/tuned", artifact_class=TunedModel)
    dsl.importer(artifact_uri="s3://b/old", artifact_class=OldDataset)
    done = deploy(model=tuned.output).set_display_name("deploy")
    again(model=tuned.output, endpoint=done.outputs["endpoint"]).set_display_name("again")
