"""docs/previews.md: its commands are run, in its order, in a copy of the repository."""

from __future__ import annotations

from pathlib import Path

import copies
import page_kit
import pytest
from kfp_gitops.devserver import DevServer

PAGE = "docs/previews.md"


@pytest.mark.timeout(600)
def test_a_preview_comes_and_goes_as_documented(tmp_path: Path) -> None:
    copy = copies.committed(tmp_path / "copy")
    with DevServer(tmp_path / "server") as server:

        def here(line: str) -> str:
            return "true" if "devserver.py" in line else line.replace("http://127.0.0.1:8895", server.url)

        assert page_kit.run(copy, PAGE, "On this machine", adapted=here) == 5
