"""`new.py`: what it makes passes every check as it is, runs, and overwrites nothing."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import copies
import pytest
from bench import clean
from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources import scaffold
from project import PROJECT, Outcome, snapshot

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copies.known(tmp_path_factory.mktemp("new") / "clone")


def _do(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    # mypy looks at its libraries once for all runs of the tests.
    kept["MYPY_CACHE_DIR"] = str(clean.folder("mypy"))
    done = subprocess.run(command, cwd=clone, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _documented() -> list[tuple[str, list[str]]]:
    """The commands of docs/first-pipeline.md, with the parts of the lines that it says they print."""
    (block,) = re.findall(
        r"^```console\n(.*?)^```$", (PROJECT / "docs/first-pipeline.md").read_text(), re.M | re.S
    )
    steps = [text.partition("\n") for text in re.split(r"^\$ ", block, flags=re.M) if text]
    return [(command, re.split(r"\n|…", expected)) for command, _, expected in steps]


@pytest.mark.timeout(1200)  # a minute where nothing else runs; a busy machine takes many
def test_what_is_documented_passes_make_check_untouched_and_runs(clone: Path) -> None:
    for command, expected in _documented():
        done = _do(clone, *command.replace("python ", f"{sys.executable} ", 1).split())
        missing = [part for part in expected if part.strip() and part not in done.stdout]
        assert not missing, (command, missing, done.stdout)
    _do(clone, sys.executable, "scripts/new.py", "pipeline", "usage-report")
    _do(clone, "make", "check", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.installed")
    _do(clone, sys.executable, "-m", "pytest", "-q", "tests/pipelines/test_usage_report.py")
    ran = _do(
        clone, sys.executable, "scripts/run.py", "--env", "dev", "--pipeline", "usage-report", "--local"
    )
    assert "SUCCEEDED  summarize-usage" in ran.stdout


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    from kfp_gitops.commands import new

    with pytest.raises(SystemExit):
        new.main(["--help"])
    said = capsys.readouterr().out
    for word in ("examples:", "values.schema.json", "release.yaml", "--component", "exit codes:"):
        assert word in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pipeline", "hello"), "exists already"),
        (("component", "greet"), "components/greet exists already; nothing was written"),
        (("component", "count_words"), "exists already"),
        (("component", "Clean-Text"), "cannot name a component"),
        (("component", "class"), "cannot name a component"),
        (("component", "fine", "--image", "nothing"), "no image 'nothing'; there are: steps"),
        (("pipeline", "A_b"), "cannot name a pipeline"),
        (
            ("pipeline", "fine", "--component", "nothing"),
            "no component 'nothing'; there are: count_words, greet",
        ),
        (("pipeline", "fine", "--component", "../greet"), "no component '../greet'"),
        (("pipeline", "fine"), "no component 'load_usage'"),
        (("pipeline", "fine", "--component", "greet", "--env", "prod"), "prod follows pinned copies"),
        (("pipeline", "fine", "--component", "greet", "--env", "test"), "no environment 'test'"),
        (("thing", "fine"), "invalid choice"),
    ],
)
def test_what_cannot_be_made_changes_nothing(
    repository: Path, command: Run, arguments: tuple[str, ...], said: str
) -> None:
    (repository / "components/src").mkdir()  # the library lies among the components, and is none
    before = snapshot(repository)
    if arguments[1] == "hello":
        arguments = (*arguments, "--component", "greet")
        said = "has a pipeline 'hello' already"
    done = command("new", "--root", repository, *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
    assert snapshot(repository) == before


@pytest.mark.parametrize("arguments", [("pipeline", "fine", "--component", "greet"), ("component", "fine")])
def test_killed_before_any_of_its_writes_and_run_again_it_goes_on(
    repository: Path, command: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("kfp_gitops.commands.new.find_spec", lambda _: None)  # neither compiled nor locked
    fresh = repository.parent / "fresh"
    shutil.copytree(repository, fresh)
    assert command("new", "--root", fresh, *arguments).code == 0
    real = files.write_text
    for killed_at in range(20):
        left = itertools.repeat(None, killed_at)

        def write(root: Path, path: str, text: str, left: Iterator[None] = left) -> None:
            if next(left, KeyboardInterrupt) is KeyboardInterrupt:
                raise KeyboardInterrupt
            real(root, path, text)

        killed = repository.parent / f"killed-{killed_at}"
        shutil.copytree(repository, killed)
        monkeypatch.setattr(files, "write_text", write)
        code = command("new", "--root", killed, *arguments).code
        monkeypatch.setattr(files, "write_text", real)
        if code == 0:
            break
        again = command("new", "--root", killed, *arguments)
        assert again.code == 0, (killed_at, again.err)
        assert snapshot(killed) == snapshot(fresh)
    assert killed_at >= 2, "it was killed between two files at least once"


def test_what_a_start_that_was_cut_off_left_and_somebody_changed_is_not_overwritten(
    repository: Path, command: Run
) -> None:
    assert command("new", "--root", repository, "component", "fine").code == 0
    (repository / "components/fine/component.yaml").unlink(missing_ok=True)
    test = repository / "tests/components/test_fine.py"
    test.write_text(test.read_text() + "# changed\n")
    before = snapshot(repository)
    done = command("new", "--root", repository, "component", "fine")
    assert done.code == 2
    assert "new.py: tests/components/test_fine.py exists already; nothing was written" in done.err
    assert snapshot(repository) == before


def test_inputs_come_from_earlier_components_from_parameters_or_are_imported(
    repository: Path, command: Run
) -> None:
    (repository / "components/use_data").mkdir()
    (repository / "components/use_data/component.yaml").write_text(
        "name: Use data\ninputs:\n- {name: data, type: Dataset}\n- {name: level, type: Float}\n"
        "outputs: [{name: model, type: Model}]\nimplementation:\n  container:\n    image: steps\n"
        "    args: [{inputPath: data}, {inputValue: level}, {outputPath: model}]\n"
    )
    (repository / "components/use_model").mkdir()
    (repository / "components/use_model/component.yaml").write_text(
        "name: Use model\ninputs:\n- {name: model, type: Model}\nimplementation:\n  container:\n    image: steps\n"
        "    args: [{inputPath: model}]\n"
    )
    used = [word for name in ("use_data", "use_model") for word in ("--component", name)]
    done = command("new", "--root", repository, "pipeline", "chain", *used)
    assert done.code == 0, done.err
    spec = parse((repository / "manifests/dev/pipelines/chain/pipeline.yaml").read_text(), "x").value["spec"]
    assert spec["parameters"] == {"level": {"type": "float", "default": 0.5}}
    assert spec["tasks"]["use-data"]["arguments"]["data"] == {"task": "import-data", "output": "artifact"}
    assert spec["tasks"]["use-model"]["arguments"] == {"model": {"task": "use-data", "output": "model"}}
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0


_ENTRY = "  new:\n    values:\n      x: 1\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("follows: sources\npipelines:\n  a:\n    values: {}\n", f"  a:\n    values: {{}}\n{_ENTRY}"),
        ("pipelines:\n  a: {}\n# last\nfollows: sources\n", f"  a: {{}}\n# last\n{_ENTRY}follows: sources\n"),
        ("follows: sources\n", f"follows: sources\npipelines:\n{_ENTRY}"),
        ("pipelines: # none yet\n", f"pipelines: # none yet\n{_ENTRY}"),
    ],
)
def test_values_keep_their_text_and_get_one_more_pipeline(text: str, wanted: str) -> None:
    found = scaffold.with_pipeline(text, "values.yaml", "new", {"x": 1})
    assert found.endswith(wanted)


def test_values_in_flow_style_are_left_alone() -> None:
    with pytest.raises(
        InputError, match=r"values\.yaml:1:1: a pipeline cannot be added here; write `pipelines:`"
    ):
        scaffold.with_pipeline("pipelines: {}\n", "values.yaml", "new", {"x": 1})
