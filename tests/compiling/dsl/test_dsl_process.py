"""The process of a DSL file has few variables, a home of its own, no network, bounds, and leaves nothing behind."""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.compiling.dsl import loading, process
from kfp_gitops.compiling.dsl.process import Around, Given

Compile = Callable[..., Any]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """What is told of a file with this text."""

    def run(text: str, given: Given | None = None, at: str = "ours/pipeline.py") -> Any:
        path = tmp_path / at
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return process.compiled(Around.of(path), [], given or Given())

    return run


def test_it_has_no_more_than_it_needs(compiled: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    monkeypatch.setenv("NAMED", "given")
    found = compiled(
        """
        import json, os, resource, socket, sys, tempfile
        def reaches():
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=1)
            except OSError as error:
                return error.errno
        raise RuntimeError(json.dumps({
            "secret": [name for name, value in os.environ.items() if "secret" in value],
            "named": os.getenv("NAMED"),
            "home": os.path.expanduser("~").startswith(tempfile.gettempdir()),
            "room": os.environ["TMPDIR"],
            "reaches": reaches(),
            "limits": [resource.getrlimit(one)[0] for one in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)],
            "ours": [path for path in sys.path if path.endswith("scripts")],
            "name": __name__,
        }))
        """,
        Given(pass_env=("NAMED",)),
    )
    told = json.loads(found["error"]["message"])
    assert told.pop("reaches") in (
        101,
        110,
        113,
        None,
    )  # 101, unreachable, where there is a namespace to be had
    assert not Path(told.pop("room")).exists()
    assert told == {
        "secret": [],
        "named": "given",
        "home": True,
        "limits": [120, 256 * 2**20],
        "ours": [],
        "name": "pipeline",
    }


def test_what_it_says_and_takes_is_bounded(compiled: Compile) -> None:
    found = compiled("print('x' * (300 * 2**20))")
    assert found["error"]["kind"] in ("raised", "memory")
    assert compiled("x = bytearray(9 * 2**30)")["error"]["kind"] == "memory"
    assert compiled("while True: pass", Given(seconds=2))["error"]["kind"] in (
        "time",
        "ended -24",
        "ended -9",
    )


def test_modules_are_found_as_they_are_where_it_stands(compiled: Compile, tmp_path: Path) -> None:
    root = tmp_path / "ours"
    for name, text in {
        ".git/HEAD": "",
        "loading.py": "mine = 1\n",  # has the name of one of ours
        "src/library/__init__.py": "value = 2\n",
        "pipelines/shared.py": "from . import deeper\nfrom .deeper import value\n",
        "pipelines/deeper.py": "value = 3\n",
        "data/one.txt": "4",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    found = compiled(
        """
        import loading, library
        from pathlib import Path
        from . import shared
        from pipelines.shared import value
        found = [loading.mine, library.value, shared.value, value, Path("data/one.txt").read_text(), __name__]
        raise RuntimeError(found)
        """,
        at="ours/pipelines/pipeline.py",
    )
    assert found["error"]["message"] == "[1, 2, 3, 3, '4', 'pipelines.pipeline']"
    assert not list(root.rglob("__pycache__"))


def test_what_imports_a_file_of_this_repository_is_not_its_own() -> None:
    ours = Path(loading.__file__)
    mine = loading.Mine([str(ours.parents[4])])
    assert mine(str(ours.parents[4] / "pipelines/train.py"))
    assert not mine(str(ours))
    assert not mine(json.__file__)
    assert not mine(pytest.__file__)


def test_what_a_file_compiles_and_sends_is_not_done(compiled: Compile, tmp_path: Path) -> None:
    found = compiled(
        """
        import os, tempfile
        import kfp
        from kfp import compiler, components, dsl

        @dsl.component(base_image="python:3.11")
        def say(text: str) -> str:
            return text

        @dsl.pipeline
        def talk(text: str = "a"):
            say(text=text)

        compiler.Compiler().compile(talk, "talk.yaml", pipeline_name="other", pipeline_parameters={"text": "b"})
        with tempfile.TemporaryDirectory() as folder:
            compiler.Compiler().compile(say, folder + "/say.yaml")
            again = components.load_component_from_file(folder + "/say.yaml")
        client = kfp.Client(host="http://127.0.0.1:1")
        for run in client.list_runs().runs:
            raise SystemExit(run)
        """
    )
    (pipeline,) = found["pipelines"]
    assert "name: other" in pipeline["text"]
    assert "defaultValue: b" in pipeline["text"]
    assert [place["line"] for place in found["unsent"]] == [18]
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["pipeline.py"]


def _loop(before: str, items: str, inside: str) -> str:
    return f"""
from kfp import dsl

@dsl.component(base_image="python:3.11")
def say(text: str = "a", number: int = 1) -> str:
    return text

@dsl.pipeline
def talk(go: str = "y"):
    {before}
        with dsl.ParallelFor({items}) as item:
            {inside}
"""


_TEXTS = '[{"a": "x", "b": "1"}, {"a": "y", "b": "2"}]'


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (_loop("if True:", _TEXTS, "say(text=item.a)"), []),
        (_loop("with dsl.If(go == 'y'):", '["a", "b"]', "say(text=item)"), []),
        (_loop("with dsl.ExitHandler(say()):", _TEXTS, "say(text=item.a)"), ["items_of_loop"]),
        (_loop("if True:", _TEXTS, "with dsl.If(item.b == '1'): say(text=item.a)"), ["items_of_loop"]),
        (_loop("with dsl.If(go == 'y'):", _TEXTS.replace(")", "), name='Each one'"), "say(text=item.b)"),
         ["items_of_loop"]),
    ],
)  # fmt: skip
def test_lists_that_kfp_loses_become_parameters(compiled: Compile, text: str, becomes: list[str]) -> None:
    """kubeflow/pipelines#13273: no run gets past what the SDK makes of them, or it makes nothing."""
    (pipeline,) = compiled(text)["pipelines"]
    assert "error" not in pipeline
    assert list(pipeline["lists"]) == becomes
    assert all("defaultValue:\n        - a: x" in pipeline["text"] for _ in becomes)
    assert [place["line"] for place in pipeline["lists"].values()] == [11 for _ in becomes]


def test_an_error_of_the_file_is_no_fault_of_its_lists(compiled: Compile) -> None:
    text = _loop("with dsl.ExitHandler(say()):", _TEXTS, "say(number=item.a)")
    (pipeline,) = compiled(text)["pipelines"]
    assert pipeline["error"]["type"] == "InconsistentTypeException"
    assert (pipeline["error"]["line"], pipeline["error"]["column"]) == (12, 13)


@pytest.mark.parametrize("name", ["confined", "lists", "loading", "program", "told", "watched"])
def test_older_pythons_read_what_runs_in_them(name: str) -> None:
    """kfp 2.17 itself is for Python 3.9 and newer."""
    text = Path(process.__file__).with_name(f"{name}.py").read_text()
    ast.parse(text, feature_version=(3, 9))
    assert "from __future__ import annotations" in text
