"""`policy`: check everything that is rendered against environments/policy.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from kfp_gitops.base.errors import ExitCode, UsageError, raise_if_any
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.judgement import Asked, judged
from kfp_gitops.review import policy
from kfp_gitops.review.diff import revision
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.policy.demands import Changed
from kfp_gitops.sources import environment

_EXAMPLES = f"""  python scripts/policy.py                    check every environment; exit 2 names what is refused
  python scripts/policy.py --env prod         check one
  python scripts/policy.py --base origin/main --label breaking-approved
                                              also what the policy wants of changes by how far they reach
  python scripts/policy.py --on 2027-01-31    as on that day: which waivers will have ended?

An object is excused for a while by a waiver in {policy.POLICY}:
  waivers:
  - check: resource-limits
    object: dev/quickstart/load
    reason: measured first, limited next week
    until: '2027-01-31'"""


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the rendered manifests as they are on disk; what is in them is render's affair."""
    parser = Parser("policy.py", "Check the rendered manifests against the team's policy.", _EXAMPLES)
    parser.add_argument("--env", metavar="ENV", help="one environment (default: all)")
    parser.add_argument("--on", metavar="DATE", help="judge waivers as of this day (default: today, in UTC)")
    parser.add_argument(
        "--base", metavar="REV", help="also judge how far the changes since this revision reach (`changes:`)"
    )
    parser.add_argument(
        "--label", action="append", default=[], metavar="L", help="a label of the pull request; repeatable"
    )
    arguments = parse(parser, argv)
    if arguments.label and arguments.base is None:
        raise UsageError("--label approves of changes, and without --base REV there are none to judge")
    root: Path = arguments.root
    today = _day(arguments.on) if arguments.on else datetime.now(UTC).date()
    known = environment.names(root)
    if arguments.env is not None and arguments.env not in known:
        raise UsageError(f"no environment {arguments.env!r}; there are: {', '.join(known) or 'none'}")
    names = [arguments.env] if arguments.env else known
    changed = [*_changed(root, names, arguments.base)] if arguments.base is not None else None
    asked = Asked(root, known, names, today, beside=arguments.env is None, labels=arguments.label)
    found = judged(asked, changed, arguments.base)
    raise_if_any([*found.refused, *found.demanded])
    console.note(f"{found.said}, nothing refused")
    return ExitCode.OK


def _changed(root: Path, names: Sequence[str], base: str) -> Iterator[Changed]:
    commit = revision.resolve(root, base)
    for name in names:
        folder = f"manifests/{name}"
        before = State(base, revision.at(root, commit, folder))
        after = State("the work tree", revision.in_tree(root, folder))
        for item in compare(name, before, after, datetime.now(UTC)).pipelines:
            yield Changed(name, item.name, item.category, tuple(item.breaks))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--on {text}: write YYYY-MM-DD, such as 2026-01-31") from None
