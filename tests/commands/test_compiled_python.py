"""component.py and pipeline.py: who was edited and not compiled is told, or compiled; nothing else runs them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
from kfp_gitops.sources import compiledfrom, release
from project import Outcome, snapshot

Command = Callable[..., Outcome]
GREET = "components/greet/component.py"
HELLO = "templates/pipelines/hello/pipeline.yaml.j2"
DAILY = "templates/pipelines/daily"
TODO = "run `make components`, or `make render` for both steps"


def _replace(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def daily(repository: Path, command: Command) -> Path:
    """The repository with a pipeline in the DSL, and all Python compiled by the kfp that is here."""
    command("components", "--root", repository)
    done = command("new", "--root", repository, "pipeline", "daily", "--dsl")
    assert done.code == 0, done.err
    return repository


def test_a_component_that_was_edited_is_told_by_render_refused_by_check_and_compiled_on_demand(
    repository: Path, command: Command
) -> None:
    command("components", "--root", repository)
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    _replace(repository, GREET, "hello {name}", "good morning {name}")
    said = f"{GREET}: edited and not compiled into component.yaml; {TODO}"
    done = command("render", "--root", repository, "--env", "dev")
    assert (done.code, done.err.splitlines()[0]) == (0, said)
    assert command("render", "--root", repository, "--env", "dev", "--check") == Outcome(1, "", f"{said}\n")
    done = command("render", "--root", repository, "--env", "dev", "--lock", "--components")
    assert (done.code, done.err.splitlines()[0]) == (0, f"{GREET}: compiling it into component.yaml")
    assert "good morning" in (repository / "components/greet/component.yaml").read_text("utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0
    assert command("components", "--root", repository, "--check") == Outcome(0, "", "")


def test_what_follows_pinned_copies_does_not_care(repository: Path, command: Command) -> None:
    _replace(repository, GREET, "hello {name}", "good morning {name}")
    done = command("render", "--root", repository, "--env", "prod")
    assert (done.code, GREET in done.err) == (0, False)


def test_an_edit_that_was_not_compiled_is_told_beside_what_it_makes_fail(
    repository: Path, command: Command
) -> None:
    _replace(repository, GREET, "name: str", "whom: str")
    _replace(repository, "templates/pipelines/hello/pipeline.yaml.j2", "name: {param", "whom: {param")
    done = command("render", "--root", repository, "--env", "dev")
    assert done.code == 2
    assert f"{GREET}: edited and not compiled into component.yaml; {TODO}" in done.err.splitlines()


def test_python_without_what_it_compiles_to_is_told_as_that(daily: Path, command: Command) -> None:
    (daily / "components/greet/component.yaml").unlink()
    (daily / DAILY / "compiled.yaml").unlink()
    done = command("render", "--root", daily, "--env", "dev")
    assert done.code == 2
    assert [line for line in done.err.splitlines() if "not compiled" in line or "compile " in line] == [
        f"{GREET}: not compiled: there is no component.yaml; {TODO}",
        f"{DAILY}/pipeline.py: not compiled: there is no compiled.yaml; {TODO}",
        f"{DAILY}/pipeline.yaml.j2:10:7: no file 'compiled.yaml' (rendered for dev: line 10 `ir: compiled.yaml`); "
        f"compile pipeline.py ({TODO}), or choose one of: none",
        f"{HELLO}:13:1: {GREET} is not compiled: there is no component.yaml; {TODO}",
    ]


def test_nothing_but_compiling_runs_it(daily: Path, command: Command) -> None:
    gitrepo.init(daily)
    ran = daily / "ran"
    for path in (GREET, f"{DAILY}/pipeline.py"):
        _replace(
            daily, path, "from kfp import dsl\n", f"from kfp import dsl\n\nopen({str(ran)!r}, 'w').close()\n"
        )
    for words in (
        ("render", "--all"),
        ("render", "--all", "--lock"),
        ("render", "--all", "--check"),
        ("policy",),
        ("diff", "--env", "dev"),
        ("promote", "--from", "dev", "--to", "prod", "--pipeline", "daily"),
    ):
        command(words[0], "--root", daily, *words[1:])
        assert not ran.exists(), words
    command("components", "--root", daily)
    assert ran.exists()


def test_a_comment_makes_no_other_release_and_a_promotion_takes_no_python(
    daily: Path, command: Command
) -> None:
    gitrepo.init(daily)
    before = release.from_sources(daily, "daily", {}).digest
    _replace(daily, f"{DAILY}/pipeline.py", "from kfp import dsl\n", "# Why so.\nfrom kfp import dsl\n")
    assert command("components", "--root", daily).out == f"change {DAILY}/compiled.yaml\n"
    assert release.from_sources(daily, "daily", {}).digest == before
    command("render", "--root", daily, "--all", "--lock")
    values = "  daily:\n    values: {owner: tests, text: hello}\n"
    _replace(daily, "environments/prod/values.yaml", "pipelines:\n", f"pipelines:\n{values}")
    gitrepo.commit(daily, "Say why, and want it in prod")
    done = command("promote", "--root", daily, "--from", "dev", "--to", "prod", "--pipeline", "daily")
    assert done.code == 0, done.err
    pinned = daily / "environments/prod/pinned/daily"
    assert sorted(path.name for path in pinned.iterdir()) == [
        "compiled.yaml",
        "pipeline.yaml.j2",
        "values.schema.json",
    ]
    assert "# from " not in (pinned / "compiled.yaml").read_text("utf-8")
    done = command("render", "--root", daily, "--all", "--check")
    assert "daily" not in done.err  # and Git has what was promoted: the other pipeline's release is made up


def test_a_local_run_compiles_what_was_edited_of_its_pipeline_and_goes_on(
    daily: Path, command: Command
) -> None:
    _replace(daily, f"{DAILY}/pipeline.py", "return len(", "return 40 + len(")
    _replace(daily, GREET, "hello {name}", "good morning {name}")
    done = command("run", "--root", daily, "--env", "dev", "--pipeline", "daily", "--local")
    assert (done.code, "Output = 42" in done.out) == (0, True), done.err
    assert done.err.splitlines()[0] == f"{DAILY}/pipeline.py: compiling it into compiled.yaml"
    assert compiledfrom.stale(daily, [compiledfrom.pipeline("daily")]) == []
    assert "good morning" not in (daily / "components/greet/component.yaml").read_text("utf-8")


def test_without_kfp_a_local_run_says_what_was_not_compiled(
    daily: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    _replace(daily, f"{DAILY}/pipeline.py", "return len(", "return 40 + len(")
    before = snapshot(daily)
    monkeypatch.setattr("kfp_gitops.commands.locally.find_spec", lambda _: None)
    done = command("run", "--root", daily, "--env", "dev", "--pipeline", "daily", "--local")
    assert (
        done.err.splitlines()[0] == f"{DAILY}/pipeline.py: edited and not compiled into compiled.yaml; {TODO}"
    )
    assert {
        path: one for path, one in snapshot(daily).items() if not path.startswith(".local-runs")
    } == before


USES = """from components.greet.component import greet
from kfp import components, dsl
from settings import TIMES

count = components.load_component_from_file("{root}/components/count_words/component.yaml")
"""


def _with_neighbours(root: Path, name: str, times: int) -> None:
    folder = f"templates/pipelines/{name}"
    (root / folder / "settings.py").write_text(f"TIMES = {times}\n", "utf-8")
    _replace(root, f"{folder}/pipeline.py", "from kfp import dsl\n", USES.format(root=root))
    _replace(root, f"{folder}/pipeline.py", "repeat=repeat", "repeat=TIMES")
    counted = '    count(text=greet(name=text).outputs["greeting"])\n    written ='
    _replace(root, f"{folder}/pipeline.py", "    written =", counted)


def test_modules_beside_it_components_and_files_that_it_reads_count(daily: Path, command: Command) -> None:
    """Two pipelines may each have a module of the same name beside them."""
    assert command("new", "--root", daily, "pipeline", "weekly", "--dsl").code == 0
    for name, times in (("daily", 7), ("weekly", 8)):
        _with_neighbours(daily, name, times)
    done = command("components", "--root", daily)
    assert (done.code, "settings" in sys.modules) == (0, False), done.err
    for name, times in (("daily", 7), ("weekly", 8)):
        text = (daily / "templates/pipelines" / name / "compiled.yaml").read_text("utf-8")
        assert f"constant: {times}.0" in text
        assert [line.split()[2] for line in text.splitlines() if line.startswith("# from ")] == [
            "components/count_words/component.yaml",
            GREET,
            f"templates/pipelines/{name}/pipeline.py",
            f"templates/pipelines/{name}/settings.py",
        ]
    assert compiledfrom.stale(daily, compiledfrom.every(daily)) == []
    (daily / DAILY / "settings.py").write_text("TIMES = 9\n", "utf-8")
    said = f"{DAILY}/settings.py: edited and not compiled into {DAILY}/compiled.yaml; {TODO}"
    assert command("render", "--root", daily, "--env", "dev").err.splitlines()[0] == said
    assert command("render", "--root", daily, "--env", "dev", "--lock", "--components").code == 0
    assert "constant: 9.0" in (daily / "manifests/dev/pipelines/daily/compiled.yaml").read_text("utf-8")


TWO = """
@dsl.pipeline(name="other")
def other(text: str) -> None:
    write_lines(text=text)
"""


def test_of_several_pipelines_in_a_file_one_is_meant(daily: Path, command: Command) -> None:
    path = daily / DAILY / "pipeline.py"
    before = path.read_text("utf-8")
    path.write_text(before + TWO, "utf-8")
    assert command("components", "--root", daily).code == 0  # that of the folder's name
    assert "name: daily" in (daily / DAILY / "compiled.yaml").read_text("utf-8")
    path.write_text(before.replace("def daily", "def another") + TWO, "utf-8")
    assert command("components", "--root", daily) == Outcome(
        2, "", f"{DAILY}/pipeline.py: 2 pipelines (another, other), and none is named 'daily'; "
        "say which one it is: `pipeline = other`\n",
    )  # fmt: skip
    path.write_text(before.replace("def daily", "def another") + TWO + "\n\npipeline = another\n", "utf-8")
    assert command("components", "--root", daily).code == 0
    path.write_text(before[: before.index("@dsl.pipeline")], "utf-8")
    assert command("components", "--root", daily) == Outcome(
        2, "", f"{DAILY}/pipeline.py: 2 components and no pipeline (write_lines, count_lines), and none is named "
        "'daily'; say which one it is: `pipeline = count_lines`\n",
    )  # fmt: skip
    path.write_text(before[: before.index("@dsl.component(", before.index("def write_lines"))], "utf-8")
    assert command("components", "--root", daily).code == 0  # as `kfp dsl compile` does
    assert "name: write-lines" in (daily / DAILY / "compiled.yaml").read_text("utf-8")
    path.write_text("x = 1\n", "utf-8")
    assert command("components", "--root", daily) == Outcome(
        2, "", f"{DAILY}/pipeline.py: no pipeline; decorate a function with @dsl.pipeline\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from kfp import dsl\n\nimport sys\nsys.exit(3)\n", ":4:1: cannot be imported: SystemExit: 3; correct it"),
        ("import none_such\n", ":1:1: cannot be imported: ModuleNotFoundError: No module named 'none_such'; "
        "correct it"),
        ("def f(:\n", ":1:7: cannot be imported: SyntaxError: invalid syntax; correct it"),
    ],
)  # fmt: skip
def test_a_pipeline_that_cannot_be_run_is_told_with_its_line(
    daily: Path, command: Command, text: str, said: str
) -> None:
    (daily / DAILY / "pipeline.py").write_text(text, "utf-8")
    assert command("components", "--root", daily) == Outcome(2, "", f"{DAILY}/pipeline.py{said}\n")


def test_what_it_prints_is_no_result(daily: Path, command: Command) -> None:
    _replace(
        daily, f"{DAILY}/pipeline.py", "from kfp import dsl\n", "from kfp import dsl\n\nprint('hello')\n"
    )
    assert command("components", "--root", daily) == Outcome(0, f"change {DAILY}/compiled.yaml\n", "hello\n")


def test_the_policy_and_the_diff_see_what_it_compiles_to(daily: Path, command: Command) -> None:
    gitrepo.init(daily)
    _replace(daily, f"{DAILY}/pipeline.py", 'IMAGE = "steps"', 'IMAGE = "python:3.12"')
    _replace(daily, f"{DAILY}/pipeline.py", "return len(", "return 1 + len(")
    assert command("render", "--root", daily, "--env", "dev", "--lock", "--components").code == 0
    done = command("diff", "--root", daily, "--env", "dev")
    assert "component count-lines in compiled.yaml: code, lines: 1 added, 1 removed" in done.out
    assert "+    return 1 + len(" in done.out
    (daily / "environments/policy.yaml").write_text(
        "apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks:\n"
        "- {id: by-digest, select: image, reason: a tag moves, fix: write a digest, schema: {pattern: '@sha256:'}}\n",
        "utf-8",
    )
    done = command("policy", "--root", daily)
    assert "policy by-digest: dev/pipelines/daily/compiled" in done.out + done.err


def test_python_is_a_part_of_a_pipeline_only_with_pipeline_py(daily: Path, command: Command) -> None:
    (daily / DAILY / "__pycache__").mkdir()
    (daily / DAILY / "__pycache__/pipeline.cpython-313.pyc").write_bytes(b"\xff")
    assert command("render", "--root", daily, "--env", "dev").code == 0
    (daily / "templates/pipelines/hello/notes.py").write_text("", "utf-8")
    done = command("render", "--root", daily, "--env", "dev")
    assert (done.code, "hello/notes.py: no part of a pipeline" in done.err) == (2, True)


def test_the_scaffold_without_kfp_or_with_what_it_has_not_is_refused(
    repository: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(repository)
    for words in (
        ("component", "x"),
        ("pipeline", "x", "--component", "greet"),
        ("pipeline", "x", "--template", "hello"),
    ):
        done = command("new", "--root", repository, *words, "--dsl")
        assert (done.code, "--dsl is for `pipeline NAME --dsl`" in done.err) == (2, True)
    monkeypatch.setattr("kfp_gitops.commands.new.find_spec", lambda _: None)
    done = command("new", "--root", repository, "pipeline", "x", "--dsl")
    assert (done.code, "--dsl needs kfp" in done.err) == (2, True)
    assert snapshot(repository) == before


ARCHIVE = """from kfp import dsl


@dsl.component(base_image="steps", install_kfp_package=False, embedded_artifact_path="{folder}")
def ships(data: dsl.EmbeddedInput[dsl.Dataset]) -> str:
    return data.path
"""


def test_what_a_component_ships_compiles_to_the_same_whenever_and_by_whomever(
    repository: Path, command: Command, tmp_path: Path
) -> None:
    folder = repository / "components/ships/data"
    folder.mkdir(parents=True)
    (folder / "b.txt").write_text("b", "utf-8")
    (folder.parent / "component.py").write_text(ARCHIVE.format(folder=folder), "utf-8")
    assert command("components", "--root", repository).code == 0
    os.utime(folder / "b.txt", (1, 1))
    (folder / "b.txt").chmod(0o600)
    time.sleep(1.1)  # gzip has seconds
    assert command("components", "--root", repository, "--check") == Outcome(0, "", "")
    assert compiledfrom.stale(repository, compiledfrom.every(repository)) == []
    (folder / "b.txt").write_text("c", "utf-8")
    said = "components/ships/data/b.txt: edited and not compiled into components/ships/component.yaml"
    assert said in command("render", "--root", repository, "--env", "dev").err
