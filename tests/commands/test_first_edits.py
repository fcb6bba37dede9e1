"""What newcomers change first after `new.py`: only a test about that very thing speaks, and says how to mend it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import copies
import profiles
import pytest
from servers.prepared import prepared

COMPONENT = "components/clean_text/component.py"
TEMPLATE = "templates/pipelines/text-report/pipeline.yaml.j2"
VALUES = "environments/dev/values.yaml"
SCHEMA = "templates/pipelines/text-report/values.schema.json"
STEP_TEST, PIPELINE_TEST = "tests/components/test_clean_text.py", "tests/pipelines/test_text_report.py"
STEP, PIPELINE = "test_clean_text_writes_each_line", "test_text_report_renders_and_compiles"


@dataclass(frozen=True)
class Edit:
    """Texts that are replaced (file, old, new), and the words of each test that speaks."""

    changes: tuple[tuple[str, str, str], ...]
    spoken: dict[str, tuple[str, ...]] = field(default_factory=dict)


_SECOND = """    again:
      component: clean_text
      resources:
        cpu: {request: 250m, limit: '1'}
        memory: {request: 512Mi, limit: 1Gi}
      arguments:
        text: {task: clean-text, output: label}
"""
_SCHEDULE = """schedules:
- name: nightly
  cron: "0 0 3 * * *"
  enabled: false
  catchup: false
  maxConcurrency: 1
spec:
"""
_LABEL = (
    (COMPONENT, '[("count", int)]', '[("count", int), ("label", str)]'),
    (COMPONENT, "return (repeat,)", "return (repeat, text)"),
)
_RENAMED = tuple(
    (COMPONENT, f"{before}text{after}", f"{before}sentence{after}")
    for before, after in (("", ": str"), ("", ": What"), ("{", "}"))
)
EDITS = {
    "what it prints": Edit(
        ((COMPONENT, "    return (repeat,)", '    print("done", text)\n    return (repeat,)'),)
    ),
    "another default": Edit(((COMPONENT, "repeat: int = 2", "repeat: int = 5"),)),
    "an input more, with a default": Edit(
        ((COMPONENT, "repeat: int = 2,", 'repeat: int = 2,\n    mark: str = "-",'),)
    ),
    "an output more": Edit(_LABEL),
    "an output more, and a second task that takes it": Edit(
        (*_LABEL, (TEMPLATE, "  tasks:\n", f"  tasks:\n{_SECOND}"))
    ),
    "a schedule": Edit(((TEMPLATE, "spec:\n", _SCHEDULE),)),
    "another value, owner and description": Edit(
        (
            (VALUES, "text: change-me", "text: hello"),
            (VALUES, "owner: text-report", "owner: somebody-else"),
            (TEMPLATE, "Say in a sentence what text-report is for.", "Reports texts."),
            (COMPONENT, "Write a text several times. Say here in a sentence what the step does.", "Cleans."),
        )
    ),
    "a parameter of the pipeline": Edit(
        (
            (
                TEMPLATE,
                "  tasks:\n",
                "    repeat: {type: int, default: {{ values.repeat | tojson }}}\n  tasks:\n",
            ),
            (
                TEMPLATE,
                "        text: {param: text}\n",
                "        text: {param: text}\n        repeat: {param: repeat}\n",
            ),
            (VALUES, "text: change-me", "text: change-me\n      repeat: 4"),
            (SCHEMA, '"text"\n', '"text",\n    "repeat"\n'),
            (SCHEMA, '"properties": {', '"properties": {\n    "repeat": {"type": "integer"},'),
        )
    ),
    "an error where an input is wrong": Edit(
        (
            (
                COMPONENT,
                "    from pathlib",
                '    if repeat < 1:\n        raise ValueError("none")\n    from pathlib',
            ),
        )
    ),
    "an input renamed": Edit(
        _RENAMED,
        {
            STEP: (
                f"{STEP_TEST}:9: the component clean_text has changed",
                "it has no input 'text' (it has: repeat, sentence); if it was renamed or removed, do so here",
                "it needs 'sentence' (str), which this test does not give: add sentence=… to the call here",
            ),
            PIPELINE: (
                "templates/pipelines/text-report/pipeline.yaml.j2:",
                "'text'",
                "this test need not change",
            ),
        },
    ),
    "an input renamed, and its task": Edit(
        (*_RENAMED, (TEMPLATE, "        text: {param", "        sentence: {param")),
        {STEP: ("it has no input 'text'",)},
    ),
    "an input more that is needed": Edit(
        ((COMPONENT, "    lines: Output", "    mark: str,\n    lines: Output"),),
        {
            STEP: ("it needs 'mark' (str), which this test does not give: add mark=… to the call here",),
            PIPELINE: ("pipeline.yaml.j2:", "mark"),
        },
    ),
    "another type": Edit(
        ((COMPONENT, "text: str", "text: int"),),
        {
            STEP: ("'text' is of type int now, and this test gives 'a': give a value of that type here",),
            PIPELINE: ("pipeline.yaml.j2:", "int"),
        },
    ),
    "an output renamed": Edit(
        ((COMPONENT, '("count"', '("total"'),),
        {STEP: (f"{STEP_TEST}:10: the component clean_text has no output 'count'; it has: lines, total",)},
    ),
    "an output more, and the return forgotten": Edit(
        (_LABEL[0],), {STEP: (f"{COMPONENT} returns 1 values, and its annotation says 2: count, label",)}
    ),
    "it always raises": Edit(
        ((COMPONENT, "    from pathlib", '    raise ValueError("broken")\n    from pathlib'),),
        {STEP: ("ValueError: broken", f"raised this in {COMPONENT}:26", "`with pytest.raises(ValueError):`")},
    ),
    "it writes something else": Edit(((COMPONENT, r"{text}\n", r"{text}!\n"),), {STEP: ("assert 'a!",)}),
    "a slip of the keyboard": Edit(
        ((COMPONENT, "    return (repeat,)", "    return (repeat,"),),
        {STEP: (f"{COMPONENT}:", "cannot be imported: SyntaxError", "this test need not change")},
    ),
    "the pipeline renamed in the values": Edit(
        ((VALUES, "  text-report:\n", "  text-summary:\n    template: text-report\n"),),
        {
            PIPELINE: (
                f"{PIPELINE_TEST}:7: dev has no pipeline 'text-report'",
                "If it was renamed, do so here",
            )
        },
    ),
}


Run = Callable[..., subprocess.CompletedProcess[str]]
# Other people's modules alone: those of the repository are read in the copy, as somebody edited them.
_LIBRARIES = ("kfp.compiler", "kfp.dsl", "jinja2", "jsonschema", "pytest", "yaml")


@pytest.fixture(scope="module")
def python() -> Iterator[Run]:
    """Run Python in a copy: a fork of a process that has imported the libraries."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    with prepared(*_LIBRARIES) as found:

        def run(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
            command = found.python(*words)
            return subprocess.run(command, cwd=clone, env=kept, capture_output=True, text=True, check=False)

        yield run


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, python: Run) -> Path:
    """A copy in which somebody has just begun."""
    clone = copies.known(tmp_path_factory.mktemp("edits") / "clone")
    for words in (("component", "clean_text"), ("pipeline", "text-report", "--component", "clean_text")):
        done = python(clone, "scripts/new.py", *words)
        assert done.returncode == 0, done.stderr
    return clone


@pytest.fixture
def clone(begun: Path, tmp_path: Path) -> Iterator[Path]:
    """The same, and as it was before afterwards."""
    paths = [COMPONENT, COMPONENT.replace(".py", ".yaml"), TEMPLATE, VALUES, SCHEMA]
    for path in paths:
        shutil.copy2(begun / path, tmp_path / path.replace("/", "_"))
    yield begun
    for path in paths:
        shutil.copy2(tmp_path / path.replace("/", "_"), begun / path)


_TOGETHER = (
    "what it prints", "an input more, with a default", "an output more, and a second task that takes it", "a schedule",
    "a parameter of the pipeline", "another value, owner and description", "an error where an input is wrong",
)  # fmt: skip
EDITS["all that no test is about, at once"] = Edit(
    tuple(change for name in _TOGETHER for change in EDITS[name].changes)
)
"""One by one they are tried in CI and with HYPOTHESIS_PROFILE=deep."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EDITS)
def test_after_an_edit_only_what_it_is_about_speaks(name: str, clone: Path, python: Run) -> None:
    edit = EDITS[name]
    if not edit.spoken and "at once" not in name and not profiles.deep():
        pytest.skip("tried together with the others; alone in CI and with HYPOTHESIS_PROFILE=deep")
    for path, old, new in edit.changes:
        text = (clone / path).read_text()
        assert old in text, (path, old)
        (clone / path).write_text(text.replace(old, new))
    python(clone, "scripts/components.py")  # which a slip of the keyboard stops
    done = python(clone, "-m", "pytest", "-q", "-p", "no:cacheprovider", STEP_TEST, PIPELINE_TEST)
    failed = set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))
    assert failed == set(edit.spoken), done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    missing = [words for some in edit.spoken.values() for words in some if words not in said]
    assert not missing, done.stdout


@pytest.mark.timeout(300)
def test_a_pipeline_in_the_dsl_that_was_edited_is_to_be_compiled_and_then_holds(
    begun: Path, python: Run
) -> None:
    assert python(begun, "scripts/new.py", "pipeline", "churn", "--dsl").returncode == 0
    source, test = begun / "templates/pipelines/churn/pipeline.py", "tests/pipelines/test_churn.py"
    source.write_text(source.read_text().replace("repeat: int = 2", "repeat: int = 3"))
    done = python(begun, "-m", "pytest", "-q", "-p", "no:cacheprovider", test)
    said = " ".join(done.stdout.split())
    assert "1 failed" in said
    assert (
        "templates/pipelines/churn/pipeline.py: edited and not compiled into compiled.yaml; run `make comp"
        in said
    )
    assert python(begun, "scripts/components.py").returncode == 0
    done = python(begun, "-m", "pytest", "-q", "-p", "no:cacheprovider", test)
    assert "1 passed" in done.stdout
