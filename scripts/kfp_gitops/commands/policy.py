"""`policy`: check everything that is rendered against environments/policy.yaml."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from kfp_gitops.base import bounds
from kfp_gitops.base.errors import ExitCode, Problem, UsageError, raise_if_any
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.review import policy
from kfp_gitops.review.diff import revision
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.policy.claims import twice_claimed
from kfp_gitops.review.policy.demands import Changed, unmet
from kfp_gitops.review.policy.of_teams import beyond_limits
from kfp_gitops.review.policy.subjects import shared, subjects
from kfp_gitops.review.promotion.provenance import skipped
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
    found = policy.read(root)
    raise_if_any(policy.unknown_environments(found, known))
    names = [arguments.env] if arguments.env else known
    looked_at = [subject for name in names for subject in subjects(root, name)]
    looked_at += shared(root) if arguments.env is None else []
    with bounds.bounded(policy.POLICY):  # a pattern in it can take for ever
        refused = policy.judge(found, looked_at, today, whole=arguments.env is None)
    demanded = _demanded(root, names, found, arguments) if arguments.base is not None else []
    past = skipped(root, [environment.load(root, name) for name in names])
    limits = beyond_limits(root, names)
    raise_if_any([*twice_claimed(root, known), *past, *limits, *refused, *demanded])
    console.note(f"policy: {len(found.checks)} checks, {len(looked_at)} objects, nothing refused")
    return ExitCode.OK


def _demanded(root: Path, names: Sequence[str], found: policy.Policy, arguments: Namespace) -> list[Problem]:
    """By the policy as it is and as it was: who takes a demand out needs what it asks for, once more."""
    changed = [*_changed(root, names, arguments.base)]
    earlier = revision.at(root, revision.resolve(root, arguments.base), "environments").get("policy.yaml")
    policies = [found]
    if earlier is not None:
        policies.append(policy.from_text(earlier, f"{policy.POLICY} at {arguments.base}"))
    told = [problem for one in policies for problem in unmet(one, changed, arguments.label)]
    return list({(problem.what, problem.todo): problem for problem in reversed(told)}.values())


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
        raise UsageError(f"--on {text}: write YYYY-MM-DD") from None
