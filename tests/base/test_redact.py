"""A traceback may hold anything: what it shows of a secret is pasted into a report."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base import redact
from kfp_gitops.commands import doctor
from predictive_scaling import __main__ as scaling
from predictive_scaling.base.hidden import hidden
from project import Outcome

Run = Callable[..., Outcome]
TOKEN = "plainlooking0815words"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that a library's error with a token in it ends, chained to another one."""

    def fail(*_: object) -> int:
        try:
            raise KeyError(TOKEN)
        except KeyError as error:
            raise RuntimeError(f"header was {TOKEN}; Authorization: Bearer abcdefghij") from error

    monkeypatch.setattr(doctor, "main", fail)


def test_a_defects_traceback_holds_no_secret_of_the_environment(
    failing: None, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_TOKEN", TOKEN)
    done = command("doctor")
    assert done.code == 3
    assert done.err.count("Traceback") == 2
    assert TOKEN not in done.err
    assert "abcdefghij" not in done.err
    assert "please report" in done.err


def test_nor_one_that_was_read_from_a_file(failing: None, command: Run) -> None:
    redact.learn(TOKEN)
    assert TOKEN not in command("doctor").err


def test_nor_does_the_traceback_of_a_thread(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(*_: object) -> int:
        thread = threading.Thread(target=lambda: {}[TOKEN])
        thread.start()
        thread.join()
        return 0

    monkeypatch.setattr(doctor, "main", main)
    monkeypatch.setenv("KFP_TOKEN", TOKEN)
    done = command("doctor")
    assert "KeyError" in done.err
    assert TOKEN not in done.err


def test_a_module_of_ours_that_is_missing_is_a_defect_as_any_other(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def main(*_: object) -> int:
        raise ModuleNotFoundError(f"no {TOKEN}", name="kfp_gitops.base.nothing")

    monkeypatch.setattr(doctor, "main", main)
    monkeypatch.setenv("KFP_TOKEN", TOKEN)
    done = command("doctor")
    assert (done.code, TOKEN in done.err) == (3, False)


def test_a_cookies_value_is_a_secret_by_itself() -> None:
    redact.learn("authservice_session=MTYxMjM0NTY3OHxabc; other=1")
    assert redact.text("of session MTYxMjM0NTY3OHxabc, other=1") == "of session [hidden], other=1"


def test_words_are_not_hidden_for_a_short_token(monkeypatch: pytest.MonkeyPatch) -> None:
    redact.learn("dev")
    monkeypatch.setenv("MY_TOKEN", "dev")
    assert redact.traceback("the dev environment") == "the dev environment"


def test_the_local_executor_keeps_them_out_of_its_log_and_events(tmp_path: Path) -> None:
    code = (
        "import sys; from kfp_gitops.local.localrun import __main__ as m\n"
        f"def fail(*_): raise RuntimeError('with {TOKEN}')\n"
        "m.execute = fail; (m._input) = lambda *_: {}\n"
        f"sys.exit(m.main(['--ir','x','--parameters','x','--run-dir',{str(tmp_path)!r},'--run-id','i','--run-name','n']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"KFP_TOKEN": TOKEN, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "RuntimeError: with [hidden]" in done.stderr
    assert TOKEN not in (tmp_path / "events.jsonl").read_text()


def test_a_defect_of_the_forecasting_commands_ends_with_3_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"with {TOKEN} and filed0815words")

    (tmp_path / "token").write_text("filed0815words\n")
    monkeypatch.setattr(scaling, "configure", fail)
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TOKEN)
    assert scaling.main(["recommend", "--input", "sample:x", "--output", str(tmp_path / "out")]) == 3
    told = capsys.readouterr().err
    assert "RuntimeError: with [hidden] and [hidden]" in told
    assert "this is a defect" in told


def test_what_looks_like_a_secret_is_hidden_there_too() -> None:
    assert hidden("http://u:pass@host Bearer abcdefghij") == "http://[hidden]@host Bearer [hidden]"
