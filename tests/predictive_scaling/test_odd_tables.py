"""Tables with odd cells: told by file, column and row as bad input; no cell is repeated, and nothing is a defect."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from predictive_scaling.__main__ import main
from predictive_scaling.usage.tables import numeric

STAMPS = [f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in pd.date_range("2026-11-01", periods=48, freq="30min")]
HUGE = "9" * 400


def _table(folder: Path, cell: str, column: int, times: int = 1) -> str:
    rows = [
        [stamp, "web", "1.5", "300000000", "2", "400000000", "2"] for stamp in STAMPS for _ in range(times)
    ]
    rows[7][column] = cell
    head = "timestamp,service,cpu,memory,cpu_max,memory_max,replicas"
    path = folder / "usage.csv"
    path.write_text("\n".join([head, *(",".join(each) for each in rows)]) + "\n", "utf-8")
    return str(path)


@pytest.mark.parametrize("column", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("cell", ["s3cr3t", HUGE, "1_000", "0x10"])
def test_what_is_no_number_is_told_by_its_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: str, column: int
) -> None:
    path = _table(tmp_path, cell, column)
    out = str(tmp_path / "f.csv.gz")
    assert main(["features", "--input", path, "--output", out]) == (0 if cell == HUGE else 2)
    said = capsys.readouterr().err
    assert cell == HUGE or "1 are no numbers, the first in row 9" in said
    assert "s3cr3t" not in said
    assert main(["validate", "--input", path, "--now", STAMPS[-1], "--memory-of", "service"]) == 1
    assert main(["summarize", "--input", path]) == (2 if column < 4 and cell != HUGE else 0)


def test_a_missing_instant_and_rows_that_stand_twice_are_no_defect(tmp_path: Path) -> None:
    out = tmp_path / "f.csv.gz"
    assert main(["features", "--input", _table(tmp_path, "", 0), "--output", str(out)]) == 2
    assert main(["features", "--input", _table(tmp_path, "1.5", 2, 2), "--output", str(out)]) == 0
    assert out.read_bytes().count(b"\n") > 20


def test_numbers_beyond_a_float_are_infinite_and_words_are_missing() -> None:
    found = numeric(pd.Series([HUGE, "-" + HUGE, "1.5", "x", ""]))
    assert found.tolist()[:3] == [float("inf"), float("-inf"), 1.5]
    assert found.isna().tolist() == [False, False, False, True, True]


def test_a_pipe_is_told_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "usage")
    assert main(["summarize", "--input", str(tmp_path / "usage")]) == 2
    assert "no plain file" in capsys.readouterr().err
