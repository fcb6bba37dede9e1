"""`new.py`: what it makes passes every check as it is, runs, and overwrites nothing."""

from __future__ import annotations

import itertools
import json
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
from kfp_gitops.sources import instance, scaffold
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
    _do(clone, sys.executable, "scripts/new.py", "pipeline", "churn-weekly", "--dsl")
    _do(clone, "make", "check", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.installed")
    _do(clone, sys.executable, "-m", "pytest", "-q", "tests/pipelines")
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
    found = scaffold.with_pipeline(text, "values.yaml", "new", {"values": {"x": 1}})
    assert found.endswith(wanted)


# A pipeline of a template that is there -----------------------------------------------------------------------------

_SCHEMA = {
    "type": "object",
    "required": ["owner", "source", "mode", "level", "at", "limits", "names", "on", "list"],
    "properties": {
        "owner": {"type": "string"},
        "source": {"type": "string", "examples": ["s3://bucket/usage"]},
        "mode": {"enum": ["fast", "slow"]},
        "level": {"type": "integer", "minimum": 4, "maximum": 28},
        "at": {"type": "number", "maximum": 0.25},
        "limits": {"type": "object", "required": ["cpu"], "properties": {"cpu": {"default": "1"}}},
        "names": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "on": {"type": "boolean"},
        "list": {"type": "array"},
        "optional": {"type": "string"},
    },
}


def test_values_of_a_pipeline_of_a_template_are_what_its_schema_requires() -> None:
    assert instance.entry("acme", "usage", json.dumps(_SCHEMA)) == {
        "template": "usage",
        "values": {
            "owner": "change-me",
            "source": "s3://bucket/usage",
            "mode": "fast",
            "level": 4,
            "at": 0.25,
            "limits": {"cpu": "1"},
            "names": ["change-me"],
            "on": False,
            "list": [],
        },
    }
    assert "template" not in instance.entry("usage", "usage", json.dumps(_SCHEMA))


@pytest.mark.parametrize("schema", ["{}", "true", '{"$ref": "#/$defs/x"}', '{"type": ["object", "null"]}'])
def test_a_schema_that_says_little_gives_no_values(schema: str) -> None:
    assert instance.entry("acme", "usage", schema) == {"template": "usage", "values": {}}


_RENDERS = {
    "items": {"examples": [["a"]]},
    "schedule": {"default": {"cron": "0 0 3 * * 1", "enabled": False}},
}


def _suggest(root: Path) -> None:
    """What the template's author can do so that a new pipeline renders as it is."""
    path = root / "templates/pipelines/hello/values.schema.json"
    schema = json.loads(path.read_text())
    for key, more in _RENDERS.items():
        schema["properties"][key] |= more
    path.write_text(json.dumps(schema, indent=2))


def test_a_pipeline_of_a_template_is_some_lines_of_values_and_renders(repository: Path, command: Run) -> None:
    _suggest(repository)
    before = snapshot(repository)
    outcome = command("new", "--root", repository, "pipeline", "acme", "--template", "hello")
    assert outcome.code == 0, outcome.err
    changed = {path for path, text in snapshot(repository).items() if before.get(path) != text}
    assert {path for path in changed if not path.startswith("manifests/")} == {"environments/dev/values.yaml"}
    assert "manifests/dev/pipelines/acme/pipeline.yaml" in changed
    assert "python scripts/run.py --env dev --pipeline acme --local" in outcome.err
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0


def test_what_cannot_be_filled_in_is_told_at_its_line_and_left_to_a_person(
    repository: Path, command: Run
) -> None:
    outcome = command("new", "--root", repository, "pipeline", "acme", "--template", "hello")
    assert outcome.code == 0
    assert (
        "cron 'change-me' has 1 fields (rendered for dev: line 41 `cron: \"change-me\"`) (for" in outcome.err
    )
    assert not (repository / "manifests").exists()
    schema = repository / "templates/pipelines/hello/values.schema.json"
    schema.write_text(schema.read_text().replace('"minLength": 1', '"pattern": "^[A-Z]+$"'))
    outcome = command("new", "--root", repository, "pipeline", "birch", "--template", "hello")
    assert "environments/dev/values.yaml:18:13: pipelines.birch.values.name is " in outcome.err


def test_with_base_it_is_of_every_environment_and_the_pinned_ones_are_told_what_to_do(
    repository: Path, command: Run
) -> None:
    _suggest(repository)
    outcome = command("new", "--root", repository, "pipeline", "acme", "--template", "hello", "--base")
    assert outcome.code == 0, outcome.err
    assert "  acme:\n    template: hello\n" in (repository / "environments/base.yaml").read_text()
    assert (
        "promote.py --from dev --to prod --pipeline acme   # or `acme: null` in environments/prod"
        in outcome.err
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pipeline", "acme", "--template", "helo"), "no template 'helo'; there are: hello"),
        (("pipeline", "hello", "--template", "hello"), "dev has a pipeline 'hello' already"),
        (("pipeline", "acme", "--base"), "--template and --base are for"),
        (("component", "acme", "--template", "hello"), "--template and --base are for"),
        (("pipeline", "acme", "--template", "hello", "--component", "greet"), "mean nothing with --template"),
        (("pipeline", "Acme", "--template", "hello"), "cannot name a pipeline"),
        (("pipeline", "acme", "--template", "hello", "--env", "prod"), "prod follows pinned copies"),
    ],
)
def test_a_pipeline_of_a_template_that_cannot_be_begun_changes_nothing(
    arguments: tuple[str, ...], said: str, repository: Path, command: Run
) -> None:
    before = snapshot(repository)
    outcome = command("new", "--root", repository, *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert snapshot(repository) == before


def test_values_in_flow_style_are_left_alone() -> None:
    with pytest.raises(
        InputError, match=r"values\.yaml:1:1: a pipeline cannot be added here; write `pipelines:`"
    ):
        scaffold.with_pipeline("pipelines: {}\n", "values.yaml", "new", {"values": {"x": 1}})
