import json
import subprocess
import sys
from pathlib import Path

import pytest
from predictive_scaling.__main__ import main
from predictive_scaling.store.opening import open_registry
from usage_data import end_of, usage, write


def test_good_file_is_validated_with_exit_0(tmp_path, capsys):
    path = write(usage(), tmp_path / "usage.csv")
    report = tmp_path / "report.md"
    assert main(["validate", "--input", path, "--report", str(report), "--now", end_of(usage())]) == 0
    assert "all 1 services pass" in capsys.readouterr().out
    assert "validation passed" in report.read_text()


def test_bad_data_is_exit_1_with_the_reason(tmp_path, capsys):
    path = write(usage(days=2), tmp_path / "usage.csv")
    assert main(["validate", "--input", path, "--now", end_of(usage())]) == 1
    assert "576 records" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["validate", "--input", "no-such-file.csv"], "no-such-file.csv: no such file"),
        (["validate", "--input", "sample:nothing"], "no sample 'nothing'"),
        (["validate", "--input", "sample:smd_servers_5min", "--now", "today"], "not an ISO 8601 instant"),
        (["validate", "--input", "sample:smd_servers_5min", "--now", "2024-01-01T00:00:00"], "no time zone"),
        (["validate", "--input", "sample:smd_servers_5min", "--freq", "soon"], "freq is 'soon'"),
        (["features", "--input", "no-such-file", "--output", "x"], "no-such-file: No such file"),
        (["summarize", "--input", "pyproject.toml"], "pyproject.toml"),
        (
            ["recommend", "--input", "sample:smd_servers_5min", "--over", "docs", "--output", "x"],
            "docs: a folder; name a file (of a kustomization, what `kubectl kustomize docs` prints)",
        ),
    ],
)
def test_error_of_the_caller_is_one_line_and_exit_2(arguments, text, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert text in error
    assert error.count("\n") == 1


def test_bad_usage_is_exit_2():
    with pytest.raises(SystemExit) as stop:
        main(["forecast"])
    assert stop.value.code == 2


def test_recommend_runs_all_steps(tmp_path, capsys):
    path = write(usage(days=20), tmp_path / "usage.csv")
    out, now = tmp_path / "out", end_of(usage(days=20))
    arguments = [
        "recommend",
        "--input",
        path,
        "--output",
        str(out),
        "--now",
        now,
        "--candidates",
        "profile_level",
    ]
    assert main([*arguments, "--registry", str(tmp_path / "registry")]) == 0
    document = json.loads((out / "recommendation.json").read_text())
    assert document["services"][0]["cpu"]["source"] == "profile_level"
    assert (tmp_path / "registry" / "current.json").exists()
    assert "2 of 2 forecasts pass" in capsys.readouterr().out


def test_recommend_on_bad_data_is_exit_1_and_still_recommends(tmp_path):
    path = write(usage(days=3), tmp_path / "usage.csv")
    out = tmp_path / "out"
    assert main(["recommend", "--input", path, "--output", str(out), "--now", end_of(usage(days=3))]) == 1
    assert json.loads((out / "recommendation.json").read_text())["services"][0]["cpu"]["source"] == "fallback"


def test_module_runs_as_a_program():
    command = [sys.executable, "-m", "predictive_scaling", "validate", "--input", "no-such-file"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="components/src")
    assert done.returncode == 2
    assert done.stderr == "error: no-such-file: no such file\n"


def test_help_of_a_step_teaches_by_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fetch", "--help"])
    assert stop.value.code == 0
    assert "container_cpu_usage_seconds_total" in capsys.readouterr().out


def test_log_lines_are_shown_by_hand_on_request(tmp_path, capsys, monkeypatch):
    path = write(usage(days=2), tmp_path / "usage.csv")
    assert main(["summarize", "--input", path]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("PREDICTIVE_SCALING_LOG_LEVEL", "info")
    assert main(["summarize", "--input", path]) == 0
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == [
        "started",
        "finished",
    ]
    monkeypatch.setenv("PREDICTIVE_SCALING_LOG_LEVEL", "loud")
    assert main(["summarize", "--input", path]) == 2


def test_usage_is_read_from_a_bucket(swift, tmp_path, capsys):
    path = write(usage(days=2), tmp_path / "usage.csv")
    open_registry("s3://mlpipeline/usage").put_file("dev.csv", Path(path))
    assert main(["summarize", "--input", "s3://mlpipeline/usage/dev.csv"]) == 0
    assert "checkout" in capsys.readouterr().out
    assert main(["summarize", "--input", "s3://mlpipeline/usage/none.csv"]) == 2
    assert "s3://mlpipeline/usage/none.csv: no such object" in capsys.readouterr().err
