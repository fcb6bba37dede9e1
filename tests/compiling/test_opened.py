"""What is read while something runs: by this thread, for reading, of the repository itself."""

from __future__ import annotations

import threading
from pathlib import Path

from kfp_gitops.compiling.opened import listening


def _write(root: Path, path: str) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(path, "utf-8")
    return root / path


def test_only_what_is_read_by_this_thread_of_the_repository_itself_counts(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    paths = (
        "a/read.txt",
        "a/other.txt",
        ".venv/x.py",
        "lib/site-packages/x.py",
        "scripts/x.py",
        "a/before.txt",
    )
    read, other, hidden, installed, ours, before = (_write(root, path) for path in paths)
    outside = _write(tmp_path, "outside.txt")
    before.read_text("utf-8")
    with listening(root, without=("scripts",)) as found:
        for path in (read, hidden, installed, ours, outside):
            path.read_text("utf-8")
        thread = threading.Thread(target=other.read_text)
        thread.start()
        thread.join()
        (root / "a/written.txt").write_text("x", "utf-8")
        _write(root, "a/gone.txt").read_text("utf-8")
        (root / "a/gone.txt").unlink()
    other.read_text("utf-8")
    assert found.read() == {"a/read.txt": b"a/read.txt"}
