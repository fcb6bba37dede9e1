"""`import.py`: what no manifest says stays a compiled file, the smallest part that has it; the digest is the file's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from compiled_kit import DSL, SPECS, compiled, with_a_setting
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import Outcome, snapshot

Run = Callable[..., Outcome]
HEAD = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: %s, description: A., owner: t}\nspec:\n"


def _imported(text: str, **more: bool) -> Imported:
    found = imported(text, "trainer.yaml", {}, None, "dev", **more)
    assert found.digest == ir.digest(ir.documents(text))
    assert found.told == ()
    return found


def test_a_pipeline_inside_that_no_manifest_says_is_brought_and_a_task_runs_it() -> None:
    text = with_a_setting(compiled("nested_pipeline"), "exec-load")
    found = _imported(text)
    assert set(found.kept) == {"prepare.yaml"}
    assert not found.whole
    assert "pipeline: prepare\n" in found.template["pipeline.yaml.j2"]
    assert "prepare.pipeline.yaml.j2" not in found.template
    assert "load" not in found.specs  # which only the part has
    (why,) = found.kept["prepare.yaml"]
    assert why.line == next(n for n, line in enumerate(text.splitlines(), 1) if "laterSetting" in line)
    assert f"trainer.yaml:{why.line}: a manifest cannot say this" in found.template["prepare.yaml"]


def test_the_smallest_of_those_inside_one_another_is_brought() -> None:
    text = compiled("nested_pipeline_with_artifacts")
    spec = ir.documents(text)[0]
    label = spec["components"][_runs(spec, "comp-train-one", "train")]["executorLabel"]
    found = _imported(with_a_setting(text, label))
    assert set(found.kept) == {"train-one.yaml"}
    assert "pipeline: train-one\n" in found.template["train-all.pipeline.yaml.j2"]


def _runs(
    spec: dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]], component: str, task: str
) -> str:
    return str(spec["components"][component]["dag"]["tasks"][task]["componentRef"]["name"])


def _two_tasks(inner: str, second: str) -> str:
    """A pipeline that runs another one twice, or that and one of the same name that shows its task by another."""
    say = "say: {component: say, arguments: {text: {param: word}}}\n"
    text = HEAD % inner + f"  parameters: {{word: {{type: str}}}}\n  tasks:\n    {say}"
    outer = HEAD % "outer" + f"  tasks:\n    one: {{pipeline: {inner}, arguments: {{word: b}}}}\n"
    outer += f"    two: {{pipeline: {second}, arguments: {{word: c}}}}\n"
    texts = {inner: text, "other": text.replace("say: {component", "said: {component")}
    return compile_pipeline(RenderedPipeline("outer", "sha256:0", outer, SPECS, inner=texts), "m").text


def test_what_two_tasks_run_is_brought_once() -> None:
    found = _imported(with_a_setting(_two_tasks("tell", "tell"), "exec-say", "exec-say-2"))
    assert set(found.kept) == {"tell.yaml"}


def test_a_component_in_it_may_have_its_name() -> None:
    """The SDK's own loader takes such a file for that component."""
    found = _imported(with_a_setting(_two_tasks("say", "say"), "exec-say", "exec-say-2"))
    assert "say.yaml" in found.kept


def test_two_of_one_name_that_differ_are_two_files(repository: Path, command: Run, tmp_path: Path) -> None:
    text = with_a_setting(_two_tasks("tell", "other"), "exec-say", "exec-say-2")
    assert set(_imported(text).kept) == {"tell.yaml", "tell-2.yaml"}
    (tmp_path / "outer.yaml").write_text(_two_tasks("tell", "other"))
    outcome = command("import", tmp_path / "outer.yaml", "--root", repository)
    assert outcome.code == 0, outcome.err
    assert (repository / "templates/pipelines/outer/tell-2.pipeline.yaml.j2").is_file()


def test_where_the_whole_has_it_the_whole_is_brought(repository: Path, command: Run, tmp_path: Path) -> None:
    text = with_a_setting(compiled("parameters"), "exec-say")
    path = tmp_path / "parameters.yaml"
    path.write_text(text)
    outcome = command("import", path, "--root", repository, "--owner", "team-a")
    assert outcome.code == 0, outcome.err
    assert "equal: rendered and compiled" in outcome.out
    assert "brought whole" in outcome.out
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "laterSetting" in line)
    assert f"{path}:{line}:11: a manifest cannot say this: the setting 'laterSetting'" in outcome.err
    folder = repository / "templates/pipelines/parameters"
    assert (folder / "parameters.yaml").read_text() == text
    given = parse((repository / "environments/dev/values.yaml").read_text(), "v").value["pipelines"]
    declared = ir.documents(text)[0]["root"]["inputDefinitions"]["parameters"]
    defaults = {name: one["defaultValue"] for name, one in declared.items() if "defaultValue" in one}
    assert given["parameters"]["values"] == {"owner": "team-a", "parameters": defaults}


def test_a_name_that_is_too_long_here_is_cut_and_stays_in_the_file() -> None:
    text = compiled("if_only").replace("name: if-only", f"name: {'long-' * 16}z")
    found = _imported(text)
    assert found.whole
    assert found.name == "long-" * 12 + "lon"
    assert f"name: {'long-' * 16}z" in found.template[next(iter(found.kept))]


def test_strict_refuses_instead(repository: Path, command: Run, tmp_path: Path) -> None:
    before = snapshot(repository)
    path = tmp_path / "trainer.yaml"
    path.write_text(with_a_setting(compiled("nested_pipeline"), "exec-load"))
    outcome = command("import", "--strict", path, "--root", repository)
    assert outcome.code == 2
    assert "a manifest cannot say this: the setting 'laterSetting'" in outcome.err
    assert snapshot(repository) == before


def test_a_check_says_what_would_be_brought(repository: Path, command: Run, tmp_path: Path) -> None:
    texts = {"part": "nested_pipeline", "whole": "outputs_of_tasks"}
    for name, case in texts.items():
        (tmp_path / f"{name}.yaml").write_text(with_a_setting(compiled(case), "exec-load"))
    outcome = command(
        "import", "--check", *(tmp_path / f"{name}.yaml" for name in texts), "--root", repository
    )
    assert outcome.code == 0
    part, whole, last = outcome.out.splitlines()
    assert part.endswith("  1 part brought: prepare")
    assert whole.endswith("  brought whole")
    assert last == "2 of 2 can be imported: 1 with parts brought, 1 brought whole"
    assert f"{tmp_path}/part.yaml:" in outcome.err
    assert "; so it stays in prepare.yaml" in outcome.err


def test_schedules_of_what_is_brought_whole_are_checked() -> None:
    text = with_a_setting(compiled("parameters"), "exec-say")
    nightly = {
        "name": "nightly",
        "cron": "0 0 3 * * *",
        "enabled": True,
        "maxConcurrency": 1,
        "catchup": False,
    }
    with pytest.raises(InputError, match=r"trainer.yaml:1:1: schedule 'nightly' does not give 'needed'"):
        imported(text, "trainer.yaml", {}, None, "dev", schedules=[nightly])


@pytest.mark.parametrize(
    ("case", "part", "malformed"),
    [
        (
            "environment_from_the_cluster",
            "secretAsEnv:\n          - ",
            "secretAsEnv:\n          - null\n          - ",
        ),
        ("security_and_timeout", "activeDeadlineSeconds: '600'", "activeDeadlineSeconds: []"),
    ],
)
def test_what_is_not_of_kfps_form_stays_as_it_is(case: str, part: str, malformed: str) -> None:
    text = compiled(case)
    assert part in text
    found = _imported(text.replace(part, malformed, 1))
    assert found.whole
    assert "a part that is not of KFP's form" in "".join(
        one.what for why in found.kept.values() for one in why
    )


@pytest.mark.parametrize("name", ["null", "2001-01-01", "1e3", "0x1f"])
def test_a_name_that_yaml_reads_as_something_else_is_a_text(name: str) -> None:
    text = compiled("if_only").replace("name: if-only", f"name: '{name}'")
    assert _imported(text).name == name


@pytest.mark.parametrize("image", ["PYTHON:3.11", "python:3.11 ", "steps@sha256:12"])
def test_an_image_that_no_release_can_name_stays_in_the_file(
    repository: Path, command: Run, tmp_path: Path, image: str
) -> None:
    text = compiled("if_only").replace("registry.example.com/steps@sha256:" + "1" * 64, f"'{image}'")
    path = tmp_path / "trainer.yaml"
    path.write_text(text)
    outcome = command("import", path, "--root", repository)
    assert outcome.code == 0, outcome.err
    assert f"an image that is no reference: {image!r}" in outcome.err
    assert "brought whole" in outcome.out


def test_an_input_whose_type_an_older_field_says_is_no_traceback() -> None:
    """`type` of kfp before 2.0, of which the SDK takes no notice."""
    text = compiled("nested_pipeline").replace("parameterType: NUMBER_INTEGER", "type: INT")
    with pytest.raises(InputError, match=r"trainer.yaml:\d+:\d+: "):
        imported(text, "trainer.yaml", {}, None, "dev")


@pytest.mark.parametrize("case", sorted(path.parent.name for path in DSL.glob("*/manifest.yaml")))
def test_whatever_is_kept_has_the_digest_of_the_file(case: str) -> None:
    """For each executor alone: the pipeline that has it, however deep, or the whole."""
    text = compiled(case)
    for label, executor in ir.documents(text)[0]["deploymentSpec"]["executors"].items():
        if executor.get("container", {}).get("image", "") not in ("", *STUB_IMAGES):
            assert len(_imported(with_a_setting(text, label)).kept) == 1
