from dsl_components import train
from kfp import dsl

WORKSPACE = dsl.WorkspaceConfig(
    size="1Gi", kubernetes=dsl.KubernetesWorkspaceConfig(pvcSpecPatch={"accessModes": ["ReadWriteMany"]})
)


@dsl.pipeline(name="inside", description="Inside.")
def inside(uri: str):
    data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, download_to_workspace=True)
    train(data=data.output).set_display_name("train")


@dsl.pipeline(
    name="workspace-of-a-nested-pipeline",
    description="A test.",
    pipeline_config=dsl.PipelineConfig(workspace=WORKSPACE),
)
def pipeline(uri: str = "s3://b/data.csv"):
    inside(uri=uri).set_display_name("inside")
