"""--help of every script fits 80 columns, and its examples can be pasted."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from importlib import import_module

import pytest
from kfp_gitops.base.schema import SCHEMAS
from project import PROJECT

OTHERS = {"devserver"}  # which is no command of this package
SCRIPTS = sorted(path.stem for path in (PROJECT / "scripts").glob("*.py") if path.stem not in OTHERS)
SUBCOMMANDS = ("plan", "apply", "status", "pause", "resume", "disable")
CALLS = [(name,) for name in SCRIPTS] + [("reconcile", name) for name in SUBCOMMANDS]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_help(
    call: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        import_module(f"kfp_gitops.commands.{call[0]}").main([*call[1:], "--help"])
    assert not ended.value.code
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "exit codes: 0" in text
    if call == ("import",):  # what a command is for stands above it in two lines, the first one first
        assert "with their recurring runs, so that\n  # `plan` takes them over as they are\n  python" in text
    if call[0] == "reconcile":
        examples = text.partition("examples:\n")[2].partition("\n\n")[0].replace(" \\\n", " ")
        words = [shlex.split(line, comments=True) for line in examples.splitlines()]
        assert all(found[:1] in ([], ["python"]) for found in words)
        assert any(found for found in words)


def _for_machines() -> Iterator[tuple[str, str]]:
    """(module, help) of each option `--json` and `--log-json` of a command."""
    for path in sorted((PROJECT / "scripts/kfp_gitops/commands").rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if 'json"' in text else ():
            match node:
                case ast.Call(args=[ast.Constant(value="--json" | "--log-json"), *_], keywords=keywords):
                    (told,) = (ast.literal_eval(one.value) for one in keywords if one.arg == "help")
                    yield path.stem, told


def test_what_is_written_for_machines_has_a_schema() -> None:
    found = list(_for_machines())
    assert len(found) > 5
    for module, told in found:
        named = re.findall(r"[a-z-]+\.schema\.json", told)
        assert named, f"{module}: {told}"
        assert [name for name in named if not (SCHEMAS / name).is_file()] == []
