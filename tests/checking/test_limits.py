"""Limits of names and sizes: what exceeds one is told with its file, and the longest that schemas allow fits."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.schema import SCHEMAS
from kfp_gitops.checking import limits
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline, emit, identify_pipeline
from kfp_gitops.kfpserver import ownership
from kfp_gitops.language.irlint import Finding
from kfp_gitops.reconcile import carried, drift
from kfp_gitops.reconcile.records import experiment_name, schedule_name
from kfp_gitops.rendering.render import render
from profiles import examples
from project import Outcome

Run = Callable[..., Outcome]


def _longest(file: str, *path: str) -> str:
    """The longest name that a pattern of a schema lets through."""
    node = json.loads((SCHEMAS / f"{file}.schema.json").read_text())
    for part in path:
        node = node[part]
    pattern = re.compile(node["pattern"])
    return next("a" * length for length in range(300, 0, -1) if pattern.search("a" * length))


_PIPELINE = _longest("pipeline-manifest", "$defs", "metadata", "properties", "name")
_SCHEDULE = _longest("pipeline-manifest", "$defs", "schedule", "properties", "name")
_TRIGGER = _longest("pipeline-manifest", "$defs", "trigger", "properties", "name")
_UPSTREAM = _longest(
    "pipeline-manifest",
    *("$defs", "runOn", "dependentSchemas", "pipeline", "properties", "pipeline"),
)
_REPOSITORY = _longest("values", "properties", "repository", "properties", "id")
_ENVIRONMENT = "a" * 32  # sources.naming
_OWNER = ownership.Owner(_REPOSITORY, _ENVIRONMENT)
_INSTANT = "2026-01-01T00:00:00Z"
# Every fact that a recurring run's description can hold (reconcile.perform, kfpapi.recurring_runs).
_RECURRING = ownership.describe(
    _OWNER,
    covered=_INSTANT,
    start=_INSTANT,
    since="0" * 16,
    **{carried.OFF: "1", drift.SERVER: "0" * 30},
    attempt="0" * 8,
)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (_PIPELINE, limits.PIPELINE),
        ("sha-" + "0" * 20, limits.VERSION),
        (experiment_name(_PIPELINE, _ENVIRONMENT), limits.EXPERIMENT),
        (schedule_name(_PIPELINE, _SCHEDULE), limits.SCHEDULE),
        (_RECURRING, limits.DESCRIPTION),
        (ownership.describe(_OWNER, f"Runs of {_PIPELINE}."), limits.EXPERIMENT_DESCRIPTION),
        (f"backfill-{schedule_name(_PIPELINE, _SCHEDULE)}-20260101T000000Z", limits.RUN),
        (f"{schedule_name(_PIPELINE, _SCHEDULE)}-missed-{'0' * 40}", limits.RUN),
        (f"{_PIPELINE}-{_TRIGGER}-{'0' * 12}", limits.RUN),
        (f"{_PIPELINE}-{_TRIGGER}-{'0' * 16}", limits.RUN),
        (_PIPELINE, limits.DISPLAY_NAME),
        (f"kfp-gitops-{_ENVIRONMENT}", limits.LABEL),
        (f"kfp-gitops-{_ENVIRONMENT}-pipeline-{_PIPELINE}-{'0' * 10}", limits.OBJECT_NAME),
    ],
    ids=lambda part: part.of if isinstance(part, limits.Limit) else "",
)
def test_the_longest_names_that_the_schemas_allow_fit(text: str, limit: limits.Limit) -> None:
    assert len(text) <= limit.maximum


def test_a_run_may_come_after_any_pipeline_and_names_of_starts_are_alike() -> None:
    assert _UPSTREAM == _PIPELINE
    assert _TRIGGER == _SCHEDULE


def test_every_limit_has_a_source_and_stands_in_the_table_once() -> None:
    assert len({limit.of for limit in limits.LIMITS}) == len(limits.LIMITS)
    assert all(limit.source and limit.unit in ("characters", "bytes") for limit in limits.LIMITS)


def test_a_config_map_that_is_too_large_names_its_largest_file() -> None:
    files = {"pipeline.yaml": "m/pipeline.yaml", "components.big.yaml": "m/components/big.yaml"}
    texts = {"m/pipeline.yaml": "x" * 100, "m/components/big.yaml": "é" * (512 * 1024)}
    (problem,) = limits.config_map("the ConfigMap of pipeline 'p'", files, texts)
    assert (problem.path, "1048676 bytes, 1048576 of them" in problem.what) == ("m/components/big.yaml", True)
    texts["m/pipeline.yaml"] = ""
    assert list(limits.config_map("it", files, texts)) == []


@pytest.mark.parametrize("key", ["a/b", "a b", "", "k" * 254])
def test_a_key_that_kubernetes_refuses(key: str) -> None:
    (problem,) = limits.config_map("it", {key: "m/x"}, {"m/x": ""})
    assert "cannot be a key of a ConfigMap" in problem.what


def test_rendering_refuses_what_no_config_map_holds_even_packed(repository: Path, command: Run) -> None:
    path = repository / "components/greet/component.yaml"
    path.write_text(path.read_text() + f"# {'x' * 1000}\n")  # a comment is not rendered
    assert command("render", "--root", repository, "--env", "dev").code == 0
    path.write_text(path.read_text().replace("import kfp", f"import kfp # {_noise(1000 * 1024)}", 1))
    done = command("render", "--root", repository, "--env", "dev")
    assert done.code == 2
    assert re.match(
        r"manifests/dev/components/greet-[0-9a-f]{8}\.yaml: packed/components-00\.tar\.gz: \d+ bytes compressed",
        done.err,
    )


def _noise(size: int) -> str:
    """What no compressor makes smaller than three quarters."""
    found = b"".join(hashlib.sha256(str(part).encode()).digest() for part in range(size // 32))
    return base64.b64encode(found).decode()


def test_a_compiled_pipeline_beyond_etcd_is_refused_and_beyond_argo_doubtful() -> None:
    assert [limits.doubts(size) != "" for size in (700_000, 700_001, 1_572_864, 1_572_865)] == [
        False,
        True,
        True,
        False,
    ]
    (finding,) = limits.of_ir(1_572_865)
    assert isinstance(finding, Finding) and "etcd" in finding.what
    assert list(limits.of_ir(1_572_864)) == []


def test_locking_refuses_an_argument_that_is_too_long_at_the_task(repository: Path, command: Run) -> None:
    path = repository / "components/greet/component.yaml"
    path.write_text(path.read_text().replace("import kfp", f"import kfp # {'x' * 140_000}", 1))
    assert command("render", "--root", repository, "--env", "dev").code == 0
    done = command("render", "--root", repository, "--env", "dev", "--lock")
    assert (done.code, "its container is 14" in done.err) == (2, True)
    manifest = "manifests/dev/pipelines/hello/pipeline.yaml"
    line = int(done.err.removeprefix(f"{manifest}:").split(":")[0])
    assert (repository / manifest).read_text().splitlines()[line - 1].strip() == "greet:"


def test_locking_warns_of_a_workflow_that_argo_may_refuse(repository: Path, command: Run) -> None:
    spec = repository / "components/greet/component.yaml"
    spec.write_text(spec.read_text().replace("import kfp", f"import kfp # {'x' * 120_000}", 1))
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    many = "".join(f"    more-{i}: {{component: greet, arguments: {{name: x}}}}\n" for i in range(8))
    template.write_text(template.read_text().replace("  tasks:\n", f"  tasks:\n{many}", 1))
    done = command("render", "--root", repository, "--env", "dev", "--lock")
    assert done.code == 0, done.err
    assert "warning: the compiled pipeline has" in done.err
    rendered = render(repository, "dev")
    assert compile_pipeline(rendered.pipelines[0], rendered.folder).warnings


def test_too_large_is_bad_input_for_the_reconciler_too(repository: Path) -> None:
    spec = repository / "components/greet/component.yaml"
    spec.write_text(spec.read_text().replace("import kfp", f"import kfp # {'x' * 140_000}", 1))
    rendered = render(repository, "dev")
    with pytest.raises(InputError):
        compile_pipeline(rendered.pipelines[0], rendered.folder)


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False), st.text(),
    st.text(alphabet="a\n\u2028\x85\U0001f600\x01: -'\"\\", max_size=40),
)  # fmt: skip


@settings(max_examples=examples(300))
@given(
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=30,
    ),
    st.integers(0, 60),
    st.one_of(st.text(), st.integers(0, 100_000).map("v".__mul__)),
)
def test_a_bound_of_the_size_is_one_whatever_the_ir_holds(value: object, depth: int, version: str) -> None:
    for _ in range(depth):
        value = {"a": [value]}
    documents = [{"sdkVersion": version, "root": value}]
    assert len(emit.text(documents).encode()) <= ir.at_most(documents)


@pytest.mark.parametrize(("size", "doubtful"), [(20_000, False), (120_000, True)])
def test_a_large_pipeline_has_one_identity_with_and_without_its_text(
    repository: Path, size: int, doubtful: bool
) -> None:
    spec = repository / "components/greet/component.yaml"
    spec.write_text(spec.read_text().replace("import kfp", f"import kfp # {'x' * size}", 1))
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    many = "".join(f"    more-{i}: {{component: greet, arguments: {{name: x}}}}\n" for i in range(8))
    template.write_text(template.read_text().replace("  tasks:\n", f"  tasks:\n{many}", 1))
    (rendered,) = render(repository, "dev").pipelines
    compiled, identity = compile_pipeline(rendered, "m"), identify_pipeline(rendered, "m")
    assert (identity.digest, identity.warnings) == (compiled.digest, compiled.warnings)
    assert bool(identity.warnings) is doubtful
    assert ir.at_most(ir.documents(compiled.text)) > limits.WORKFLOW.maximum  # so its text was measured
