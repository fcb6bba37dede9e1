"""`python -m tests.bench [SECTION …] [--rounds N] [--size N] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from . import SECTIONS, table
from .house import Row, Settings


def measure(section: str, rounds: int, size: int | None) -> list[Row]:
    """Run one section in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        module = import_module(f".{section}", __package__)
        return list(module.rows(Settings(Path(folder), rounds, size)))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the sections named, or all; the table goes to stdout as it grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of: {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each process runs (default: 5)")
    parser.add_argument("--size", type=int, help="how much is generated (default: the section's own)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are: {', '.join(SECTIONS)}")
    found: dict[str, list[Row]] = {}
    for section in arguments.sections or SECTIONS:
        found[section] = measure(section, arguments.rounds, arguments.size)
        sys.stdout.write("\n".join(table.lines(section, found[section])) + "\n")
        sys.stdout.flush()
        if arguments.json:
            arguments.json.write_text(json.dumps(table.as_json(found), indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
