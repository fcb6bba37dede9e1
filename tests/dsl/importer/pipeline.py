from dsl_components import train, use_model
from kfp import dsl


@dsl.pipeline(name="importer", description="A test.")
def pipeline(uri: str = "s3://b/m", who: str = "me"):
    fixed = dsl.importer(
        artifact_uri="s3://b/data.csv", artifact_class=dsl.Dataset, metadata={"rows": 5, "tags": ["a"]}
    )
    given = dsl.importer(artifact_uri=uri, artifact_class=dsl.Model, reimport=True, metadata={"owner": who})
    given.set_caching_options(False).after(fixed)
    train(data=fixed.output).set_display_name("train")
    use_model(model=given.output).set_display_name("use")
