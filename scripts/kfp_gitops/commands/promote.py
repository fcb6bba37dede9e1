"""`promote`: copy releases from one environment to another, render and lock; a person merges the result."""

from __future__ import annotations

from collections.abc import Sequence

from kfp_gitops import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.errors import ExitCode
from kfp_gitops.promote import Promoted, promote

_EXAMPLES = """  python scripts/promote.py --from dev --to prod                             everything prod has
  python scripts/promote.py --from dev --to prod --pipeline predictive-scaling"""


def main(argv: Sequence[str] | None = None) -> int:
    """Promote; nothing is written unless the target renders and compiles."""
    parser = Parser(
        "promote.py", "Copy releases to an environment's pinned copies, render and lock it.", _EXAMPLES
    )
    parser.add_argument(
        "--from", dest="source", required=True, metavar="ENV", help="where the releases are now"
    )
    parser.add_argument(
        "--to", dest="target", required=True, metavar="ENV", help="an environment with `follows: pinned`"
    )
    parser.add_argument(
        "--pipeline", action="append", default=[], metavar="P", help="only this one; repeatable"
    )
    arguments = parse(parser, argv)
    done = promote(arguments.root, arguments.source, arguments.target, arguments.pipeline)
    for pipeline in done.pipelines:
        console.result(_line(pipeline))
    for action, path in done.files:
        console.result(f"  {action} {path}")
    if done.files:
        console.note(f"commit this and open a pull request: merging it releases to {arguments.target}")
    else:
        console.note(f"{arguments.target} has these releases already; nothing changed")
    return ExitCode.OK


def _line(pipeline: Promoted) -> str:
    if pipeline.before == pipeline.after:
        return f"{pipeline.pipeline}: unchanged, {pipeline.after[:19]}…"
    return f"{pipeline.pipeline}: {(pipeline.before or 'nothing')[:19]} → {pipeline.after[:19]}…"
