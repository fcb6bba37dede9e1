"""`reference`: write docs/manifest-reference.md from the manifest's JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.language.reference import page

_SCHEMA = Path(__file__).parents[1] / "language/schemas/pipeline-manifest.schema.json"
_PAGE = "docs/manifest-reference.md"
_EXAMPLES = """  python scripts/reference.py            write docs/manifest-reference.md
  python scripts/reference.py --check    exit 1 when it is not what the schema says"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page, or say that it is stale."""
    parser = Parser("reference.py", "Write the reference page of the manifest language.", _EXAMPLES)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    arguments = parse(parser, argv)
    path: Path = arguments.root / _PAGE
    wanted = page(json.loads(_SCHEMA.read_text("utf-8")))
    if path.is_file() and path.read_text("utf-8") == wanted:
        return ExitCode.OK
    console.result(f"change {_PAGE}")
    if arguments.check:
        console.note("run `python scripts/reference.py` and commit")
        return ExitCode.DIFFERENCES
    files.write_text(arguments.root, _PAGE, wanted)
    return ExitCode.OK
