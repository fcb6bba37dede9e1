"""`new.py` and `import.py`: all of it or nothing, at whichever write they fail, are stopped, or are killed."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base import files, takeback
from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.compiling.dsl import process
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import HERE, Outcome, snapshot

Run = Callable[..., Outcome]
Step = Callable[[str], None]
_DSL = HERE / "dsl"
_WAYS: dict[str, tuple[str, ...]] = {
    "a pipeline": ("new", "pipeline", "fine", "--component", "greet"),
    "a pipeline in Python": ("new", "pipeline", "fine", "--dsl"),
    "a component": ("new", "component", "fine"),
    "a team": ("new", "team", "fraud"),
    "a pipeline of a template": ("new", "pipeline", "acme", "--template", "hello"),
    "a pipeline for all": ("new", "pipeline", "acme", "--template", "hello", "--base"),
    "a team's pipeline": ("new", "pipeline", "acme", "--template", "hello", "--team", "churn"),
    "a pipeline that is there": ("new", "pipeline", "fine", "--from", "{file}"),
    "a file of Python": ("import", "{python}"),
    "a file that stays Python": ("import", "{python}", "--keep"),
    "an import": ("import", "{file}", "--into", "templates/pipelines/other"),
}
_STEP = {"a file of Python": 7, "a file that stays Python": 7}
"""Which steps are tried, where there are many and they are those of an import; all others try each."""
_PYTHON = """
from kfp import dsl


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def shout(text: str) -> str:
    return text.upper()


@dsl.pipeline(name="loud")
def loud(text: str = "hello"):
    shout(text=text)
"""
_FAULTS: tuple[Callable[[], BaseException], ...] = (
    KeyboardInterrupt,
    lambda: OSError(errno.ENOSPC, "No space left on device", "file"),
    lambda: UsageError("too many pipelines"),
    lambda: RuntimeError("a defect"),
)


@pytest.fixture(scope="module")
def compiled() -> str:
    specs = {path.stem: path.read_text("utf-8") for path in (_DSL / "dsl_components").glob("*.yaml")}
    folder = _DSL / "nested_pipeline"
    inner = {p.name.removesuffix(".inner.yaml"): p.read_text() for p in folder.glob("*.inner.yaml")}
    manifest = (folder / "manifest.yaml").read_text()
    return compile_pipeline(RenderedPipeline("nested", "sha256:0", manifest, specs, inner=inner), "m").text


@pytest.fixture
def begin(
    repository: Path, command: Run, compiled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[str, ...]]:
    """The command of a way, in a repository that is rendered and has a team."""
    (tmp_path / "trainer.yaml").write_text(compiled)
    (tmp_path / "loud.py").write_text(_PYTHON)
    (repository / ".github").mkdir()
    (repository / ".github/CODEOWNERS").write_text("* @org/all\n")
    schema = repository / "templates/pipelines/hello/values.schema.json"
    schema.write_text(
        schema.read_text()
        .replace('"items": {', '"items": {"examples": [["a"]],')
        .replace('"schedule": {', '"schedule": {"default": {"cron": "0 0 3 * * 1", "enabled": false},')
    )
    monkeypatch.setattr("kfp_gitops.commands.begun.find_spec", lambda _: None)  # nothing is locked
    monkeypatch.setattr(process, "_answer", _asked_once(process._answer))
    assert command("new", "team", "churn", "--root", repository).code == 0
    assert command("render", "--env", "dev", "--root", repository).code == 0

    def of(way: str) -> tuple[str, ...]:
        if way == "a component":
            monkeypatch.setattr("kfp_gitops.commands.new.find_spec", lambda _: None)  # it is not compiled
        named = {"file": tmp_path / "trainer.yaml", "python": tmp_path / "loud.py"}
        return tuple(word.format(**named) for word in _WAYS[way])

    return of


def _asked_once(answer: Callable[..., Any]) -> Callable[..., Any]:
    """What a file of Python compiles to, in a process that writes nothing here: no try need start it again."""
    known: dict[str, Any] = {}

    def asked(request: Mapping[str, Any], *given: Any, **named: Any) -> Any:
        key = str({name: value for name, value in request.items() if name != "root"})
        return known[key] if key in known else known.setdefault(key, answer(request, *given, **named))

    return asked


def _copy(repository: Path, name: str) -> Path:
    copy = repository.parent / name
    shutil.copytree(repository, copy)
    return copy


def _steps(monkeypatch: pytest.MonkeyPatch, at: Step) -> None:
    """`at` is called before and after each write: once it is noted, while its file is half there, when it is done."""
    noted, created, write = takeback.writing, files._created, files.write_whole

    def writing(path: str, content: bytes | None) -> None:
        at("before")
        noted(path, content)
        at("noted")

    def half(path: str) -> Any:
        file = created(path)
        at("half")
        return file

    def whole(path: str, content: bytes) -> None:
        write(path, content)
        at("written")

    monkeypatch.setattr(takeback, "writing", writing)
    monkeypatch.setattr(files, "_created", half)
    monkeypatch.setattr(files, "write_whole", whole)


def _nth(number: int, act: Callable[[], object]) -> tuple[Step, Callable[[], int]]:
    left = iter(range(number))
    over: list[str] = []

    def at(place: str) -> None:
        if next(left, None) is None:
            over.append(place)
            if len(over) == 1:
                act()

    return at, lambda: len(over)


def _raises(error: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize("way", _WAYS)
def test_what_fails_or_is_interrupted_at_any_step_leaves_nothing_behind(
    way: str, repository: Path, command: Run, begin: Callable[[str], tuple[str, ...]], monkeypatch: Any
) -> None:
    arguments = (*begin(way), "--root", repository)
    before = snapshot(repository)
    for number in count(step=_STEP.get(way, 1)):
        at, happened = _nth(number, _raises(_FAULTS[number % len(_FAULTS)]()))
        with monkeypatch.context() as patched:
            _steps(patched, at)
            outcome = command(*arguments)
        if not happened():
            assert outcome.code == 0, outcome.err
            break
        assert outcome.code != 0, (number, outcome.out)
        assert snapshot(repository) == before, number
        assert not list(repository.glob(f"{takeback.FOLDER}*")), number
    assert number >= 4, "it failed at all steps of a write at least"
    assert snapshot(repository) != before


def test_it_is_told_that_it_was_taken_back(
    repository: Path, command: Run, begin: Callable[[str], tuple[str, ...]], monkeypatch: Any
) -> None:
    at, _ = _nth(9, _raises(KeyboardInterrupt()))
    _steps(monkeypatch, at)
    outcome = command(*begin("a pipeline"), "--root", repository)
    assert outcome.code == 130
    assert (
        "new.py pipeline fine: that did not come to its end, and nothing of it was left behind" in outcome.err
    )


def _in_a_child(arguments: tuple[object, ...], prepare: Callable[[], None]) -> int:
    """A command in a process of its own, which may be killed: what `waitpid` tells of it."""
    child = os.fork()
    if child == 0:
        try:
            prepare()
            import sys

            sys.argv = [f"{arguments[0]}.py", *map(str, arguments[1:])]
            os._exit(console.run(str(arguments[0])))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _killed(signalled: signal.Signals, number: int, arguments: tuple[object, ...]) -> int:
    def prepare() -> None:
        at, _ = _nth(number, lambda: os.kill(os.getpid(), signalled))
        _steps(pytest.MonkeyPatch(), at)

    return _in_a_child(arguments, prepare)


@pytest.mark.parametrize("way", ["a pipeline", "an import"])
def test_what_is_stopped_at_any_step_leaves_nothing_behind(
    way: str, repository: Path, begin: Callable[[str], tuple[str, ...]]
) -> None:
    arguments = (*begin(way), "--root", repository)
    before = snapshot(repository)
    for number in count(step=5):
        code = _killed(signal.SIGTERM, number, arguments)
        if code == 0:
            break
        assert code == 143, number
        assert snapshot(repository) == before, number
    assert number > 5


@pytest.mark.parametrize("way", ["a pipeline", "a team", "an import"])
def test_what_is_killed_at_any_step_is_taken_back_by_the_next_start_or_comes_to_its_end(
    way: str, repository: Path, command: Run, begin: Callable[[str], tuple[str, ...]]
) -> None:
    words = begin(way)
    before = snapshot(repository)
    fresh = _copy(repository, "fresh")
    assert command(*words, "--root", fresh).code == 0
    for number in count(step=5):
        killed = _copy(repository, f"killed-{number}")
        code = _killed(signal.SIGKILL, number, (*words, "--root", killed))
        if code == 0:
            break
        assert code == -signal.SIGKILL, number
        other = _copy(killed, f"other-{number}")
        told = command("render", "--env", "dev", "--check", "--root", killed)
        assert f"{words[0]}.py" in told.err and "--take-back" in told.err, number
        back = command(words[0], "--take-back", "--root", killed)
        assert (back.code, "was cut off here" in back.err) == (0, True), back.err
        assert snapshot(killed) == before, number
        assert command(*words, "--root", other).code == 0, number
        assert snapshot(other) == snapshot(fresh), number
    assert number > 5


@pytest.fixture
def killed(repository: Path, begin: Callable[[str], tuple[str, ...]]) -> Path:
    """A repository in which `new pipeline fine` was killed after its values were written; `unharmed` is beside it."""
    arguments = (*begin("a pipeline"), "--root", repository)
    _copy(repository, "unharmed")
    assert _killed(signal.SIGKILL, 19, arguments) == -signal.SIGKILL
    assert "fine" in (repository / "environments/dev/values.yaml").read_text()
    return repository


def test_what_somebody_changed_since_is_theirs(killed: Path, command: Run) -> None:
    values = killed / "environments/dev/values.yaml"
    values.write_text(values.read_text() + "# mine\n")
    template = killed / "templates/pipelines/fine/pipeline.yaml.j2"
    template.write_text(template.read_text() + "# mine\n")
    outcome = command("new", "--take-back", "--root", killed)
    assert outcome.code == 0
    for path in ("environments/dev/values.yaml", "templates/pipelines/fine/pipeline.yaml.j2"):
        assert f"{path}: somebody changed it since, so it stays as it is" in outcome.err
        assert (killed / path).read_text().endswith("# mine\n")
    assert not (killed / "templates/pipelines/fine/values.schema.json").exists()
    assert "nothing was left half done here" in command("new", "--take-back", "--root", killed).err


def test_going_back_that_is_killed_is_done_by_the_next_start(
    killed: Path, command: Run, monkeypatch: Any
) -> None:
    def prepare() -> None:
        monkeypatch.setattr("kfp_gitops.base.journal.Path.replace", lambda *_: os.kill(os.getpid(), 9))

    assert _in_a_child(("new", "--take-back", "--root", killed), prepare) == -signal.SIGKILL
    assert command("new", "--take-back", "--root", killed).code == 0
    assert snapshot(killed) == snapshot(killed.parent / "unharmed")


def test_killed_when_all_was_done_it_is_done(
    repository: Path, command: Run, begin: Callable[[str], tuple[str, ...]], monkeypatch: Any
) -> None:
    arguments = (*begin("a pipeline"), "--root", repository)

    def prepare() -> None:
        monkeypatch.setattr(takeback.shutil, "rmtree", lambda *_, **__: os.kill(os.getpid(), 9))

    assert _in_a_child(arguments, prepare) == -signal.SIGKILL
    assert (repository / "manifests/dev/pipelines/fine").is_dir()
    assert "fine" in (repository / "environments/dev/values.yaml").read_text()
    assert list(repository.glob(f"{takeback.FOLDER}*"))
    assert command("new", "component", "more", "--root", repository).code == 0
    assert not list(repository.glob(f"{takeback.FOLDER}*"))
    assert "fine" in (repository / "environments/dev/values.yaml").read_text()


def test_two_at_once_are_not_begun(repository: Path, command: Run) -> None:
    before = snapshot(repository)
    with takeback.whole(repository, "new.py pipeline x", lambda: None):
        monitored, takeback._open = takeback._open, None  # as another process sees it
        outcome = command("new", "component", "fine", "--root", repository)
        takeback._open = monitored
    assert outcome.code == 2
    assert "another new.py or import.py is at work here" in outcome.err
    assert snapshot(repository) == before


def test_git_does_not_see_what_was_left(killed: Path) -> None:
    assert (killed / takeback.FOLDER / ".gitignore").read_text() == "*\n"
