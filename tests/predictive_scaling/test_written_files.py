"""Files are written whole or not at all; what is no file is written into."""

import os
import threading
from pathlib import Path

from predictive_scaling.base.documents import write_bytes


def test_file_is_replaced_whole(tmp_path):
    write_bytes(tmp_path / "new/a", b"1")
    write_bytes(tmp_path / "new/a", b"2")
    assert (tmp_path / "new/a").read_bytes() == b"2"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_pipe_stays_a_pipe(tmp_path):
    """As /dev/stdout and /dev/null do; a rename would put a file in the device's place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(Path(pipe).read_bytes()), daemon=True)
    reader.start()
    write_bytes(pipe, b"told")
    reader.join(10)
    assert read == [b"told"]
    assert pipe.is_fifo()
