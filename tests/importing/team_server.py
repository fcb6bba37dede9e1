"""A KFP that several teams have used by its UI for a year: 50 pipelines and 80 recurring runs, few of them alike."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import HERE
from ui_server import Ui

DSL = HERE / "dsl"
SPECS = {path.stem: path.read_text("utf-8") for path in sorted((DSL / "dsl_components").glob("*.yaml"))}
_EXAMPLES = {
    "STRING": "x", "NUMBER_INTEGER": 3, "NUMBER_DOUBLE": 0.5, "BOOLEAN": True, "LIST": [1], "STRUCT": {"a": 1},
}  # fmt: skip
ARGO = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: old-}\n"
    "spec: {entrypoint: a, templates: [{name: a, container: {image: b, command: [c]}}]}\n"
)
OTHERS = "kfp-gitops repository=another-repository environment=prod"
PLAIN = """\
# PIPELINE DEFINITION
components:
  comp-say: {{executorLabel: exec-say, inputDefinitions: {{parameters: {{text: {{parameterType: STRING}}}}}}}}
deploymentSpec:
  executors:
    exec-say:
      container:
        image: {image}
        command: [echo, "{{{{$.inputs.parameters['text']}}}}"]
pipelineInfo: {{name: {name}}}
root:
  dag:
    tasks:
      say:
        cachingOptions: {{enableCache: true}}
        componentRef: {{name: comp-say}}
        inputs: {{parameters: {{text: {{componentInputParameter: text}}}}}}
        taskInfo: {{name: say}}
  inputDefinitions:
    parameters:
      text: {{parameterType: STRING, defaultValue: {text}, isOptional: true}}
      times: {{parameterType: NUMBER_INTEGER, defaultValue: 2.0, isOptional: true}}
      share: {{parameterType: NUMBER_DOUBLE, defaultValue: 0.5, isOptional: true}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""
BY_DIGEST = f"registry.example.com/say@sha256:{'a' * 64}"


@cache
def compiled(case: str) -> str:
    """A pipeline of tests/dsl as the SDK writes it."""
    folder = DSL / case
    inner = {p.name.removesuffix(".inner.yaml"): p.read_text() for p in folder.glob("*.inner.yaml")}
    manifest = (folder / "manifest.yaml").read_text()
    return compile_pipeline(RenderedPipeline(case, "sha256:0", manifest, SPECS, inner=inner), "m").text


def plain(name: str, text: str = "hello", image: str = BY_DIGEST) -> str:
    """The smallest one."""
    return PLAIN.format(name=name, text=text, image=image)


def needed(ir: str) -> dict[str, Any]:
    """Values for parameters that have none."""
    definitions = parse_all(ir, "ir")[0].value["root"].get("inputDefinitions", {}).get("parameters", {})
    return {
        name: _EXAMPLES[one["parameterType"]]
        for name, one in definitions.items()
        if "defaultValue" not in one and not one.get("isOptional")
    }


@dataclass
class Teams:
    """What they did; `kept` are the recurring runs that can be taken over, by id, and `left` the others."""

    ui: Ui
    pipelines: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def pipeline(self, name: str, ir: str, description: str = "", **more: str) -> str:
        self.pipelines += 1
        return self.ui.upload(name, ir, description, **more)

    def fires(self, name: str, pipeline: str, version: str | None = "", **more: Any) -> None:
        pinned = self.ui.version_of(pipeline) if version == "" else version
        self.kept[self.ui.recurring(name, pipeline, pinned, **more)] = name

    def strays(self, name: str, pipeline: str, version: str | None = "", **more: Any) -> None:
        pinned = self.ui.version_of(pipeline) if version == "" else version
        self.left[self.ui.recurring(name, pipeline, pinned, **more)] = name


def cron(text: str, **more: str) -> dict[str, Any]:
    return {"trigger": {"cron_schedule": {"cron": text, **more}}}


def every(seconds: int, **more: str) -> dict[str, Any]:
    return {"trigger": {"periodic_schedule": {"interval_second": str(seconds), **more}}}


def given(**values: Any) -> dict[str, Any]:
    return {"runtime_config": {"parameters": values}}


CASES = [
    "caching", "collect_parameters", "comparisons", "constants", "environment_variables", "exit_handler",
    "explicit_order", "if_elif_else", "if_else", "importer", "loop_over_a_parameter", "loop_over_constants",
    "loop_over_maps", "nested_conditions", "nested_loops", "nested_pipeline", "one_of_parameters",
    "outputs_of_tasks", "parameters", "placement", "resources", "retries", "security_and_timeout",
    "volumes_of_the_pod",
]  # fmt: skip


def a_year(ui: Ui) -> Teams:
    """Everything."""
    teams = Teams(ui)
    nightly = ui.experiment("Nightly jobs")
    for case in CASES:  # 24 pipelines, 48 recurring runs
        ir = compiled(case)
        made = teams.pipeline(f"Team A: {case.replace('_', ' ').title()} (v2)", ir, f"made of {case}")
        teams.fires(f"{case} by night", made, experiment_id=nightly, **given(**needed(ir)))
        teams.fires("Hourly!", made, mode="DISABLE", **every(3600), **given(**needed(ir)))
    _by_tag(teams)
    _versions(teams)
    _names(teams)
    _triggers(teams)
    _accounts(teams)
    _not_to_be_had(teams)
    return teams


def _by_tag(teams: Teams) -> None:
    """10 pipelines, 8 recurring runs: their images have no digests."""
    for number in range(10):
        made = teams.pipeline(f"tagged-{number}", plain(f"tagged-{number}", image=f"python:3.{number + 8}"))
        if number < 8:
            teams.fires("daily", made, **given(text=f"of {number}"))


def _versions(teams: Teams) -> None:
    """2 pipelines, 5 recurring runs."""
    twice = teams.pipeline("uploaded twice", plain("uploaded-twice"))
    first = teams.ui.version_of(twice)
    second = teams.ui.upload_version(twice, "the same again", plain("uploaded-twice"))
    teams.fires("of the first", twice, first)
    teams.fires("of the second", twice, second)
    old = teams.pipeline("gone on", plain("gone-on"))
    before = teams.ui.version_of(old)
    time.sleep(1.1)  # KFP tells which is newer to the second
    teams.ui.upload_version(old, "v2", plain("gone-on", "hello again"))
    teams.strays("still the old one", old, before)
    teams.strays("whatever is new", old, None)
    teams.fires("the new one", old, teams.ui.version_of(old, "v2"))


def _names(teams: Teams) -> None:
    """5 pipelines, 7 recurring runs: names that mean one thing here and another there."""
    shown = teams.pipeline("internal-name", plain("internal-name"), display_name="What people see ✓")
    teams.fires("ääh / 日本", shown)
    teams.fires("ääh - 日本", shown)
    for who in ("A", "B"):
        made = teams.pipeline(f"Train {who}", plain("train", f"of {who}"))
        teams.fires("nightly", made)
    twins = teams.pipeline("twins", plain("twins"))
    teams.strays("nightly", twins)
    teams.strays("nightly", twins, **cron("0 0 4 * * *"))
    teams.fires("weekly", twins)
    teams.pipeline("x" * 100, plain("x" * 100))


def _triggers(teams: Teams) -> None:
    """1 pipeline, 7 recurring runs."""
    made = teams.pipeline("triggers", plain("triggers"))
    teams.fires("five fields", made, **cron("0 30 2 1 *"))
    teams.fires("by name", made, **cron("@daily"))
    teams.fires(
        "bounded",
        made,
        **cron("0 0 6 * * 1-5", start_time="2027-01-01T00:00:00Z", end_time="2028-01-01T00:00:00Z"),
    )
    teams.fires("phased", made, **every(7200, start_time="2026-01-01T00:10:00Z"))
    teams.fires("one by one", made, max_concurrency="1", no_catchup=True, **given(times=4, share=2, text="é"))
    teams.strays("every", made, **cron("@every 1h30m"))
    teams.strays("never", made, trigger={})


def _accounts(teams: Teams) -> None:
    """1 pipeline, 2 recurring runs."""
    made = teams.pipeline("accounts", plain("accounts"))
    teams.fires("as the usual", made, service_account="pipeline-runner")
    teams.fires("as another", made, service_account="trainer")


def _not_to_be_had(teams: Teams) -> None:
    """7 pipelines, 3 recurring runs."""
    for number in range(3):
        teams.pipeline(f"KFP 1, {number}", ARGO)
    theirs = teams.pipeline("kept by others", plain("kept-by-others"), OTHERS)
    teams.strays("kept-by-others-main", theirs, description=OTHERS)
    teams.ui.post("pipelines", b'{"name": "without a version"}')
    teams.pipelines += 1
    mine = teams.pipeline("mine", plain("mine"))
    teams.strays("other-main", mine, description=OTHERS)
    doomed = teams.pipeline("doomed", plain("doomed"))
    teams.fires("of the doomed", doomed)
