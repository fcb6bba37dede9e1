from dsl_components import say, train
from kfp import dsl

CONFIG = dsl.PipelineConfig(
    workspace=dsl.WorkspaceConfig(
        size="10Gi",
        kubernetes=dsl.KubernetesWorkspaceConfig(
            pvcSpecPatch={"storageClassName": "fast", "accessModes": ["ReadWriteMany"]}
        ),
    ),
    ttl_seconds_after_finished=86400,
    ttl_seconds_after_success=3600,
    ttl_seconds_after_failure=604800,
    active_deadline_seconds=7200,
)


@dsl.pipeline(name="workspace-and-config", description="A test.", pipeline_config=CONFIG)
def pipeline():
    data = dsl.importer(
        artifact_uri="s3://b/data.csv", artifact_class=dsl.Dataset, download_to_workspace=True
    )
    say(text=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/out").set_display_name("say")
    train(data=data.output).set_display_name("train")
