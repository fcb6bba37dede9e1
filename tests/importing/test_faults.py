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
from kfp_gitops.importing.imported import imported
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
