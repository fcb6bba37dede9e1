"""docs/status-page.md: its commands are run, in its order, in a copy of the repository."""

from __future__ import annotations

from pathlib import Path

import copies
import page_kit
from kfp_gitops.devserver import DevServer


def test_a_page_is_made_on_this_machine_as_documented(tmp_path: Path) -> None:
    copy = copies.committed(tmp_path)
    with DevServer(tmp_path / "server") as server:
        number = page_kit.run(
            copy,
            "docs/status-page.md",
            "On this machine",
            {"python scripts/status.py --all": 4},
            lambda line: line.replace("http://127.0.0.1:8899", server.url),
        )
    assert number == 3
    assert (copy / "page/index.html").is_file()
