"""What is written: a file whole, and to what is no file just the bytes."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import write_bytes


def test_a_pipe_stays_a_pipe_and_gets_the_bytes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"all of it")
    reader.join(10)
    assert found == [b"all of it"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


def test_a_folder_in_the_place_of_a_file_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").mkdir()
    source = ["--input", "sample:smd_servers_5min", "--now", "2024-02-02T22:10:00Z"]
    assert main(["validate", *source, "--report", str(tmp_path / "taken")]) == 2
    assert capsys.readouterr().err.startswith("error: taken: a folder; name a file")
