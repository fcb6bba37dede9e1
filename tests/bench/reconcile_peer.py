"""What a team writes without this repository: each pipeline in turn with kfp.Client.

Get or create the pipeline, compile, upload the version, create the recurring run.
"""

import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import kfp_server_api
import yaml
from kfp import Client, compiler, components, dsl


def main(root: Path, host: str, count: int) -> None:
    """Register the first `count` pipelines of a rendered repository."""
    client = Client(host=host, namespace="team")
    experiment = client.create_experiment("bench").experiment_id
    for number in range(count):
        _register(client, root, number, experiment)


def _register(client: Any, root: Path, number: int, experiment: str) -> None:
    name = f"pipeline-{number:04}"
    pipeline_id = client.get_pipeline_id(name)
    if pipeline_id is None:
        body = kfp_server_api.V2beta1Pipeline(name=name, display_name=name)
        pipeline_id = client.pipelines.pipeline_service_create_pipeline(body).pipeline_id
    with tempfile.TemporaryDirectory() as folder:
        package = str(Path(folder) / "pipeline.yaml")
        compiler.Compiler().compile(_pipeline(root, name), package)
        version = client.upload_pipeline_version(package, "v1", pipeline_id=pipeline_id)
    client.create_recurring_run(
        experiment_id=experiment,
        job_name=f"{name}-daily",
        cron_expression=f"0 {number % 60} 3 * * *",
        pipeline_id=pipeline_id,
        version_id=version.pipeline_version_id,
        max_concurrency=1,
        no_catchup=True,
    )


@cache
def _used(root: Path) -> dict[str, dict[str, str]]:
    """The components of each pipeline, with what their files' names end with."""
    text = (root / "manifests/dev/environment.yaml").read_text("utf-8")
    return {entry["name"]: entry["components"] for entry in yaml.safe_load(text)["pipelines"]}


def _pipeline(root: Path, name: str) -> Any:
    """The five tasks of a generated pipeline, in the SDK's own words."""
    folder = root / "manifests/dev/components"
    used = _used(root)[name]
    load, clean, fit, judge, publish = (
        components.load_component_from_file(str(folder / f"{component}-{used[component]}.yaml"))
        for step in ("load", "clean", "fit", "judge", "publish")
        for component in used
        if component.startswith(f"{step}_")
    )

    @dsl.pipeline(name=name)  # type: ignore[untyped-decorator]  # the SDK is untyped
    def pipeline(
        source: str = "s3://usage/*.csv",
        rows: int = 1000,
        threshold: float = 0.5,
        labels: dict[str, str] = {},  # noqa: B006
    ) -> None:
        loaded = load(source=source, rows=rows)
        cleaned = clean(table=loaded.outputs["table"], threshold=threshold)
        fitted = fit(cleaned=cleaned.outputs["cleaned"], horizon=24)
        judged = judge(model=fitted.outputs["model"], cleaned=cleaned.outputs["cleaned"], threshold=threshold)
        publish(
            model=fitted.outputs["model"], accepted=judged.outputs["accepted"], owner="team", labels=labels
        )

    return pipeline


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
