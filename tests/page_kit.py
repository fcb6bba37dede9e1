"""The commands of a page are run in its order, and say what stands there; `…` is anything.

A block behind a line of a path alone (`components/src/texts/cleaning.py`:) is that file, and is written in its turn.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from project import PROJECT

_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "tests"), ("EMAIL", "tests@example.com"))
}

_BLOCKS = re.compile(
    r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$|^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def run(
    copy: Path,
    page: str,
    section: str,
    codes: Mapping[str, int] | None = None,
    adapted: Callable[[str], str] = lambda line: line,
) -> int:
    """Every command of a section; `codes`: what a command begins with → how it ends, where not with 0.

    Returns how many there were.
    """
    text = f"{(PROJECT / page).read_text('utf-8')}\n## "
    (part,) = re.findall(rf"^## {section}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    number = 0
    for path, text, block in _BLOCKS.findall(part):
        if path:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_text(text, "utf-8")
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, expected = command.partition("\n")
            wanted = next((code for start, code in (codes or {}).items() if line.startswith(start)), 0)
            _run(copy, adapted(line), expected, wanted)
            number += 1
    return number


def _run(copy: Path, line: str, expected: str, code: int) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | _WHO
    own = re.sub(r"\bpython ", f"{sys.executable} ", line)
    done = subprocess.run(["sh", "-c", own], cwd=copy, env=kept, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code, (line, said)
    wanted = [part.strip() for part in re.split(r"\n|…", expected) if part.strip()]
    missing = [part for part in wanted if part not in said]
    assert not missing, (line, missing, said)
