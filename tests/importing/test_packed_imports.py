"""Compiled pipelines in archives, as KFP 1 compiled to and KFP's server takes them; other kinds of files are named."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse, parse_all
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing import inside, otherpython, packed
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought
from project import HERE, Outcome, snapshot

Run = Callable[..., Outcome]
_ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {}\n"


@pytest.fixture(scope="module")
def compiled() -> str:
    specs = {path.stem: path.read_text("utf-8") for path in (HERE / "dsl/dsl_components").glob("*.yaml")}
    manifest = (HERE / "dsl/if_only/manifest.yaml").read_text()
    return compile_pipeline(RenderedPipeline("if-only", "sha256:0", manifest, specs), "m").text


def _zip(texts: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return content.getvalue()


def _tar(texts: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in texts.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.mark.parametrize("pack", [_zip, _tar])
@pytest.mark.parametrize(
    "names", [("pipeline.yaml",), ("notes.txt", "pipeline.yaml"), ("mine.yaml", "b.txt")]
)
def test_the_pipeline_of_an_archive_is_imported(
    repository: Path,
    command: Run,
    tmp_path: Path,
    compiled: str,
    pack: Callable[[Mapping[str, str]], bytes],
    names: tuple[str, ...],
) -> None:
    path = tmp_path / "trainer.archive"
    path.write_bytes(pack({name: compiled if name.endswith(".yaml") else "notes" for name in names}))
    done = command("import", path, "--root", repository)
    assert done.code == 0, done.err
    assert "equal: rendered and compiled, if-only is" in done.out


@pytest.mark.parametrize("pack", [_zip, _tar])
def test_one_of_kfp_1_is_named_with_what_is_in_it(
    repository: Path,
    command: Run,
    tmp_path: Path,
    pack: Callable[[Mapping[str, str]], bytes],
) -> None:
    path = tmp_path / "trainer.archive"
    path.write_bytes(pack({"pipeline.yaml": _ARGO}))
    before = snapshot(repository)
    done = command("import", path, "--root", repository)
    assert done.code == 2
    assert f"{path}:pipeline.yaml:1:1: this is an Argo Workflow, as KFP 1 compiled it" in done.err
    assert "compile its source with the SDK of KFP 2" in done.err
    assert snapshot(repository) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_zip({"a.txt": "x"}), "this archive has no pipeline.yaml: it holds a.txt"),
        (_zip({}), "this archive has no pipeline.yaml: it holds nothing"),
        (_tar({}), "this archive has no pipeline.yaml: it holds nothing"),
        (b"PK\x03\x04 and no more", "this archive is not to be read"),
        (_tar({"pipeline.yaml": "x" * 5000})[:60], "this archive holds more than"),
        (gzip.compress(b"pipelineInfo: {}\n"), "this archive"),
        (gzip.compress(bytes(5 * files.MAX_BYTES)), "this archive holds more than"),
        (_zip({"pipeline.yaml": "x" * (files.MAX_BYTES + 1)}), "pipeline.yaml in it is larger than"),
        (b"\xff\xfe not a text", "not UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # what is packed differs by the time of day
)
def test_an_archive_without_one_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        packed.text_of(str(path), "a")


_KINDS = {
    "this is an Argo WorkflowTemplate": "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\n",
    "this is an Argo CronWorkflow": "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\n",
    "this is a ScheduledWorkflow, by which KFP's server": "apiVersion: kubeflow.org/v2beta1\nkind: ScheduledWorkflow\n",
    "no IR; bring its PipelineVersion": "apiVersion: pipelines.kubeflow.org/v2beta1\nkind: Pipeline\n",
    "this is a RunConfiguration of sky-uk/kfp-operator": "apiVersion: pipelines.kubeflow.org/v1alpha6\n"
    "kind: RunConfiguration\n",
    "these are recurring runs of deployKF's": "recurring_runs: []\n",
    "this is a schedule of Vertex AI": "createPipelineJobRequest: {}\ncron: x\n",
    "this is a version, as KFP's API tells of it": "pipeline_version_id: a\npipeline_spec: {}\n",
    "this is a recurring run, as KFP's API tells of it": "recurring_run_id: a\n",
    "this is a run, as KFP's API tells of it": "run_id: a\n",
    "this is a pipeline of Elyra's editor": json.dumps({"doc_type": "pipeline", "pipelines": []}),
    "this is a notebook": json.dumps({"nbformat": 4, "cells": []}),
    "this is a pipeline of Amazon SageMaker": json.dumps({"Version": "2020-12-01", "Steps": []}),
    "this is a state machine of AWS Step Functions": json.dumps({"StartAt": "a", "States": {}}),
    "this is a pipeline of Azure Machine Learning": "$schema: https://azuremlschemas.azureedge.net/x\njobs: {}\n",
    "these are deployments of Prefect": "deployments: []\npull: []\n",
    "this is a pipeline of DVC": "stages: {}\n",
}


@pytest.mark.parametrize("what", _KINDS)
def test_what_is_of_another_tool_is_named_with_the_way_on(what: str) -> None:
    with pytest.raises(InputError) as refused:
        brought.read(_KINDS[what], "x")
    (problem,) = refused.value.problems
    assert what in str(problem)
    assert problem.todo


def test_a_compiled_pipeline_is_taken_for_none_of_them(compiled: str) -> None:
    assert brought.read(f"{compiled}\n", "x").spec.value["pipelineInfo"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import os\nfrom airflow.decorators import dag\n",
            "flow.py:2:1: this is a DAG of Airflow, and imports no kfp",
        ),
        ("import prefect as p\n", "this is a flow of Prefect"),
        (
            "try:\n    import tfx.v1\nexcept ImportError:\n    pass\n",
            "flow.py:2:1: this is a pipeline of TFX",
        ),
    ],
)
def test_python_of_another_tool_is_named(
    repository: Path, command: Run, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "flow.py"
    path.write_text(text)
    for argument in (path, f"{path}:main"):
        done = command("import", argument, "--root", repository)
        assert (done.code, said in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    "text",
    [
        "from kfp import dsl\nimport airflow\n",
        "def step():\n    import prefect\n",
        "import pandas\nfrom . import airflow\n",
        "import (\n",
    ],
)
def test_python_that_may_be_of_kfp_is_left_to_it(text: str) -> None:
    assert otherpython.what_it_is(text, "x.py") is None


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _wrapped(compiled: str, platform: str = "") -> dict[str, str]:
    version = (
        "apiVersion: pipelines.kubeflow.org/v2beta1\nkind: PipelineVersion\nmetadata:\n  name: x\nspec:\n"
        f"  pipelineName: x\n  pipelineSpec:\n{_indented(compiled, 4)}"
    )
    version += f"  platformSpec:\n{_indented(platform, 4)}" if platform else ""
    spec = parse(compiled, "x").value
    api = {"pipeline_spec": spec, **({"platform_spec": parse(platform, "x").value} if platform else {})}
    return {
        "version": version,
        "job": f"pipelineSpec:\n{_indented(compiled, 2)}runtimeConfig:\n  parameterValues: {{a: 1}}\n",
        "json": json.dumps({"displayName": "x", "pipelineSpec": spec}),
        "api": json.dumps({"pipeline_version_id": "x", "pipeline_spec": api}),
    }


@pytest.mark.parametrize("form", ["version", "job", "json", "api"])
def test_what_is_inside_of_a_document_is_imported(
    repository: Path, command: Run, tmp_path: Path, compiled: str, form: str
) -> None:
    path = tmp_path / "version.yaml"
    path.write_text(_wrapped(compiled)[form])
    named = command("import", path, "--root", repository)
    assert (named.code, "import.py FILE --inside" in named.err) == (2, True), named.err
    done = command("import", path, "--inside", "--root", repository)
    assert done.code == 0, done.err
    assert "equal: rendered and compiled, if-only is" in done.out
    assert ("version.yaml:" in done.err and "runtimeConfig is not taken over" in done.err) == (form == "job")


@pytest.mark.parametrize("form", ["version", "api"])
def test_settings_for_kubernetes_come_along(form: str) -> None:
    spec, platform = "pipelineInfo:\n  name: x\n", "platforms:\n  kubernetes: {}\n"
    text, _ = inside.taken(_wrapped(spec, platform)[form], "v.yaml")
    assert [one.value for one in parse_all(text, "v")] == [parse(spec, "x").value, parse(platform, "x").value]


def test_lines_stay_what_they_are() -> None:
    spec = "pipelineInfo:\n  name: x\n\ntext: |\n  a\n\n    b\n# end\n"
    text = _wrapped(spec)["version"]
    lines = inside.taken(text, "v.yaml")[0].splitlines()
    assert lines == [line.strip() if "pipelineInfo" in line else line for line in lines]
    for one in ("pipelineInfo:", "text: |", "b"):
        (number,) = (n for n, line in enumerate(lines) if line.strip() == one)
        assert text.splitlines()[number].strip() == one


@pytest.mark.parametrize("text", ["a: b\n", "spec: {pipelineSpec: x}\n", "[]\n"])
def test_nothing_inside_is_told(text: str) -> None:
    with pytest.raises(InputError, match="no compiled pipeline is inside of this"):
        inside.taken(text, "x")


def _read(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "spoilt"
    path.write_bytes(content)
    try:
        return packed.text_of(str(path), "spoilt")[1]
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_a_spoilt_byte_is_read_or_refused(tmp_path: Path, method: int) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("pipeline.yaml", "a: 1\n" * 3000)
    whole = made.getvalue()
    for at in range(30, len(whole)):
        assert "spoilt" in _read(tmp_path, whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])


def test_a_tar_whose_member_says_that_it_is_larger_than_any_file_is_refused(tmp_path: Path) -> None:
    plain = bytearray(gzip.decompress(_tar({"pipeline.yaml": "a: 1\n"})))
    plain[124:136] = b"\x80" + b"\x7f" * 11  # a number in base 256, as GNU's tar writes large ones
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain[:512])
    assert "this archive is not to be read" in _read(tmp_path, gzip.compress(bytes(plain)))


@pytest.mark.parametrize("name", ["\udcff.txt", "\udcff.yaml"])
def test_the_name_of_a_member_that_is_no_text_can_be_told(tmp_path: Path, name: str) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name))
    assert "\\udcff" in _read(tmp_path, made.getvalue()).encode().decode()
