"""What KFP registers all the same: refused, unless the manifest accepts it by kind; an import writes what it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing.imported import imported
from kfp_gitops.rendering.rendered import read
from project import Outcome
from test_import import compiled

Documents = list[dict[str, Any]]
Run = Callable[..., Outcome]
HELLO = "templates/pipelines/hello/pipeline.yaml.j2"


def _said(documents: Documents, *args: str) -> None:
    """The container of `say` with another command line."""
    for executor in documents[0]["deploymentSpec"]["executors"].values():
        if "say" in executor.get("container", {}).get("command", ()):
            executor["container"]["args"] = [*args, *executor["container"]["args"]]


_TEXT = "{{$.inputs.parameters['text']}}"
_CASES: dict[str, Callable[[Documents], None]] = {
    "concat-as-json": lambda one: _said(one, '{"Concat": ["a", "' + _TEXT + '"]}'),
    "placeholder-left": lambda one: _said(one, "{{$.inputs.parameters['text'].value}}"),
    "if-present-of-parts": lambda one: _said(
        one, '{"IfPresent": {"InputName": "text", "Then": [{"Concat": ["a"]}]}}'
    ),
    "if-present-as-json": lambda one: _said(
        one,
        '{"IfPresent": {"InputName": "text", "Then": ["{{$.outputs.parameters[\'said\'].output_file}}"]}}',
    ),
    "output-unwritten": lambda one: (
        [
            executor["container"].update(args=[_TEXT])
            for executor in one[0]["deploymentSpec"]["executors"].values()
        ]
        and None
    ),
    "pipeline-root": lambda one: one[0].update(defaultPipelineRoot="mino://bucket/root"),
    "accelerator-left-out": lambda one: next(iter(one[0]["deploymentSpec"]["executors"].values()))[
        "container"
    ].update(resources={"accelerator": {"resourceCount": "1", "count": "1"}}),
}


def _documents(kind: str, case: str = "root_and_names") -> Documents:
    documents = ir.documents(compiled(case))
    _CASES[kind](documents)
    return documents


@pytest.mark.parametrize("kind", _CASES)
def test_an_import_accepts_what_the_file_has_and_nothing_else(kind: str) -> None:
    documents = _documents(kind)
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev")
    assert found.accepted == (kind,)
    assert found.digest == ir.digest(documents)
    assert not found.kept
    lines = found.template["pipeline.yaml.j2"].splitlines()
    assert lines[lines.index("  acceptedFaults:") + 1 :][:1] == [f"  - {kind}"]
    assert sum(line.startswith("  - ") for line in lines) == 1


def test_an_import_without_faults_accepts_none() -> None:
    found = imported(compiled("root_and_names"), "trainer.yaml", {}, None, "dev")
    assert found.accepted == ()
    assert "acceptedFaults" not in found.template["pipeline.yaml.j2"]


def test_a_whole_file_is_brought_with_what_it_has() -> None:
    documents = _documents("concat-as-json")
    documents[0]["pipelineInfo"]["name"] = "a" * 100  # which no manifest can be called
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev")
    assert found.whole
    assert found.accepted == ("concat-as-json",)
    assert "  acceptedFaults:\n  - concat-as-json\n" in found.template["pipeline.yaml.j2"]


def test_what_is_refused_of_every_run_stays_refused() -> None:
    documents = _documents("concat-as-json")
    documents[0]["root"]["dag"]["tasks"]["say"]["dependentTasks"] = ["nobody"]
    with pytest.raises(InputError) as error:
        imported(dump_all(documents), "trainer.yaml", {}, None, "dev")
    assert "nobody" in str(error.value)


@pytest.fixture
def brought(repository: Path, command: Run, tmp_path: Path) -> Callable[[Documents], Outcome]:
    def run(documents: Documents) -> Outcome:
        path = tmp_path / "trainer.yaml"
        path.write_text(dump_all(documents))
        return command("import", path, "--root", repository)

    return run


def test_an_import_tells_what_it_accepts_and_rendering_warns_of_it_once(
    repository: Path, command: Run, brought: Callable[[Documents], Outcome]
) -> None:
    documents = _documents("concat-as-json")
    outcome = brought(documents)
    assert outcome.code == 0, outcome.err
    assert "accepted fault concat-as-json: a `Concat` in a command line" in outcome.err
    rendered = command("render", "--root", repository, "--env", "dev", "--lock")
    assert rendered.code == 0, rendered.err
    (warned,) = [line for line in rendered.err.splitlines() if "accepted (concat-as-json)" in line]
    assert warned.startswith("components/say/component.yaml:")
    lock = parse((repository / "manifests/dev/versions.lock.yaml").read_text(), "l").value
    assert lock["pipelines"]["root-and-names"]["digest"] == ir.digest(documents)


def test_without_its_acceptance_it_is_refused_with_the_way_on(
    repository: Path, command: Run, brought: Callable[[Documents], Outcome]
) -> None:
    assert brought(_documents("concat-as-json")).code == 0
    template = repository / "templates/pipelines/root-and-names/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("  acceptedFaults:\n  - concat-as-json\n", ""))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "components/say/component.yaml:" in outcome.err
    assert "`acceptedFaults: [concat-as-json]` in `spec:`" in outcome.err


def _hello(repository: Path, accepted: str, task: str = "") -> None:
    path = repository / HELLO
    text = path.read_text().replace("  tasks:\n", f"  acceptedFaults: {accepted}\n  tasks:\n", 1)
    path.write_text(text.replace("    count:\n", f"    count:\n{task}", 1))


def test_a_fault_of_a_task_is_accepted_where_the_manifest_says_so(repository: Path, command: Run) -> None:
    _hello(repository, "[retry-lost]", "      retry: {count: 2, factor: 1.5}\n")
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    (warned,) = [line for line in outcome.err.splitlines() if "accepted (" in line]
    assert warned.startswith(f"{HELLO}:18:")


def test_an_acceptance_that_nothing_needs_is_told(repository: Path, command: Run) -> None:
    _hello(repository, "[retry-lost, concat-as-json]", "      retry: {count: 2, factor: 1.5}\n")
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    assert "nothing here has the accepted fault 'concat-as-json'" in outcome.err
    assert "nothing here has the accepted fault 'retry-lost'" not in outcome.err


def test_a_kind_that_there_is_not_is_refused(repository: Path, command: Run) -> None:
    _hello(repository, "[retry-lots]")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert '"retry-lost"' in outcome.err


def test_a_policy_may_forbid_it(repository: Path, command: Run) -> None:
    _hello(repository, "[retry-lost]", "      retry: {count: 2, factor: 1.5}\n")
    policy = repository / "environments/policy.yaml"
    policy.write_text(
        "apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks:\n- id: no-faults\n  select: pipeline\n"
        "  reason: it is known not to do what it says\n  fix: mend it\n"
        "  schema: {properties: {acceptedFaults: {maxItems: 0}}}\n"
    )
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    outcome = command("policy", "--root", repository)
    assert outcome.code != 0
    assert "policy no-faults: dev/hello: it is known not to do what it says" in outcome.out + outcome.err


INNER = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: inside, description: Greets., owner: o}
spec:
  tasks:
    greet: {component: greet, arguments: {name: x}, retry: {count: 2, factor: 1.5}}
"""


def test_the_outermost_manifest_accepts_for_what_is_inside(repository: Path, command: Run) -> None:
    _hello(repository, "[retry-lost]", "")
    path = repository / HELLO
    path.write_text(path.read_text().replace("  tasks:\n", "  tasks:\n    inside: {pipeline: inside}\n", 1))
    inner = path.parent / "inside.pipeline.yaml.j2"
    inner.write_text(INNER)
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    assert "inside.pipeline.yaml.j2:6:79: warning: accepted (retry-lost)" in outcome.err
    inner.write_text(INNER.replace("spec:\n", "spec:\n  acceptedFaults: [retry-lost]\n"))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "inside.pipeline.yaml.j2:5:3: a pipeline inside another one says this" in outcome.err


def test_a_compiled_file_in_place_of_tasks_is_accepted_as_it_is(repository: Path, command: Run) -> None:
    path = repository / HELLO
    text = path.read_text()
    manifest = (
        text[: text.index("spec:\n")] + "spec:\n  ir: trainer.yaml\n  acceptedFaults: [concat-as-json]\n"
    )
    path.write_text(manifest)
    documents = _documents("concat-as-json")
    (path.parent / "trainer.yaml").write_text(dump_all(documents))
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    (warned,) = [line for line in outcome.err.splitlines() if "accepted (" in line]
    assert "trainer.yaml:" in warned
    lock = parse((repository / "manifests/dev/versions.lock.yaml").read_text(), "l").value
    assert lock["pipelines"]["hello"]["digest"] == ir.digest(documents)
    path.write_text(manifest.replace("concat-as-json", "fact-left"))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "trainer.yaml:" in outcome.err
    assert "`acceptedFaults: [concat-as-json]`" in outcome.err


def test_a_compiled_pipeline_that_a_task_runs_is_accepted_by_the_manifest(
    repository: Path, command: Run
) -> None:
    _hello(repository, "[concat-as-json]", "")
    path = repository / HELLO
    path.write_text(path.read_text().replace("  tasks:\n", "  tasks:\n    inside: {pipeline: inside}\n", 1))
    (path.parent / "inside.yaml").write_text(dump_all(_documents("concat-as-json")))
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    assert "inside.yaml:" in outcome.err
    path.write_text(path.read_text().replace("  acceptedFaults: [concat-as-json]\n", ""))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "the container gets this Concat as the JSON that it is" in outcome.err


def _left_out(documents: Documents) -> None:
    """`text` of `say` has a default, and no task gives it."""
    spec = documents[0]
    for component in (spec["root"], *spec["components"].values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            if task["componentRef"]["name"] == "comp-say":
                del task["inputs"]
    declared = spec["components"]["comp-say"]["inputDefinitions"]["parameters"]["text"]
    declared.update(defaultValue="hello", isOptional=True)


def test_a_default_that_kfps_driver_does_not_know_is_handed_over_unless_that_is_accepted(
    repository: Path, command: Run, tmp_path: Path
) -> None:
    documents = ir.documents(compiled("if_only"))
    _left_out(documents)
    path = tmp_path / "trainer.yaml"
    path.write_text(dump_all(documents))
    outcome = command("import", path, "--root", repository)
    assert outcome.code == 0, outcome.err
    assert "equal: rendered and compiled" in outcome.out
    assert "accepted fault default-unread: " in outcome.err
    asked = ("render", "--env", "dev", "--lock", "--root", repository)
    outcome = command(*asked)
    assert "accepted (default-unread): task 'say' leaves out 'text'" in outcome.err
    template = repository / "templates/pipelines/if-only/pipeline.yaml.j2"
    lines = template.read_text().splitlines()
    template.write_text(
        "\n".join(line for line in lines if "default-unread" not in line and "acceptedFaults" not in line)
    )
    outcome = command(*asked)
    assert outcome.code == 0, outcome.err
    assert "leaves out" not in outcome.err
    entry = next(
        one
        for one in parse((repository / "manifests/dev/environment.yaml").read_text(), "e").value["pipelines"]
        if one["name"] == "if-only"
    )
    made = compile_pipeline(read(repository, "manifests/dev", entry), "m").text
    assert "constant: hello" in made


def test_a_brought_file_is_accepted_so_too() -> None:
    documents = ir.documents(compiled("if_only"))
    _left_out(documents)
    documents.append(
        {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-say": {"later": {}}}}}}}
    )
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev")
    assert (found.whole, found.accepted, found.told) == (True, ("default-unread",), ())
    assert found.digest == ir.digest(documents)
