"""`promote`: copy releases from one environment to another, render and lock; a person merges the result."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import awaited, connection, console, listing
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.pasted import pasted
from kfp_gitops.language import gates
from kfp_gitops.review.diff import gated, revision
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import Category, EnvironmentDiff, PipelineDiff
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.diff.text import to_text
from kfp_gitops.review.promotion import pull_request
from kfp_gitops.review.promotion.copy import Promoted, Promotion, promote
from kfp_gitops.review.promotion.status import Pending, status
from kfp_gitops.sources import environment, selection, way
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.review.promotion.proof import Between, Proof

_SHOWN_BY = "`git status`"
_EXAMPLES = """  python scripts/promote.py --status                            the whole way: what waits, since when
  python scripts/promote.py --status --to prod                  what waits for prod, and in what it differs
  python scripts/promote.py --to prod                           everything that prod has, from where it `promotesFrom`
  python scripts/promote.py --to prod --pipeline 'customer-*'   only these
  python scripts/promote.py --to prod --verify                  only what has run and measured well in the one before
  python scripts/promote.py --to prod --status --verify         what it measured there, and whether that is enough
  python scripts/promote.py --to prod --only settings           what a machine may promote
  python scripts/promote.py --to prod --open-pr                 and open the pull request"""


def _parser() -> Parser:
    parser = Parser(
        "promote.py", "Copy releases to an environment's pinned copies, render and lock it.", _EXAMPLES
    )
    parser.add_argument(
        "--from", dest="source", metavar="ENV",
        help="where the releases are now (default: what the target `promotesFrom`; another one is refused)",
    )  # fmt: skip
    parser.add_argument("--to", dest="target", metavar="ENV", help="an environment with `follows: pinned`")
    parser.add_argument(
        "--status", action="store_true",
        help="change nothing; exit 1 when something waits. With --to: what waits for it, and why; without: the whole "
        "way of all pipelines",
    )  # fmt: skip
    parser.add_argument(
        "--all", action="store_true", help="with --status: each pipeline by itself, also what is up to date"
    )
    parser.add_argument(
        "--json", action="store_true",
        help="with --status, without --to: for machines, schemas/promotion.schema.json",
    )  # fmt: skip
    parser.add_argument(
        "--verify",
        action="store_true",
        help="refuse what has no succeeded run in the source environment, or measured there what `promote.require` of "
        "the target's values does not let through; with --status --to: tell it, and refuse nothing",
    )
    parser.add_argument(
        "--only", choices=[Category.PROMISES.value, Category.SETTINGS.value, Category.RESULTS.value],
        help="leave every pipeline alone that would change farther than this: promises are `slo`; settings also "
        "resources, retries, labels and times; results also code, images and wiring; the reconciler's image is left "
        "alone, too",
    )  # fmt: skip
    parser.add_argument(
        "--uncommitted",
        action="store_true",
        help="also promote what no commit has; release.yaml says so, and the policy refuses it",
    )
    parser.add_argument(
        "--open-pr",
        action="store_true",
        help="commit on a branch, push, and open a pull request (gh or glab)",
    )
    selection.add(parser)
    connection.add_metadata(parser)
    connection.add(
        parser, host="with --verify: the source's KFP API (default: what its environment.yaml says)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Promote; nothing is written unless the target renders and compiles."""
    arguments = parse(_parser(), argv)
    if arguments.status and arguments.target is None:
        return awaited.whole(arguments)
    if arguments.target is None:
        raise UsageError(
            "promote.py: --to ENV is missing, the environment to promote to, as in "
            "`python scripts/promote.py --from dev --to prod`; see --help"
        )
    if arguments.source is None:
        arguments.source = _source(arguments.root, arguments.target)
    return awaited.of_one(arguments) if arguments.status else _promote(arguments)


def _source(root: Path, target: str) -> str:
    """The environment that the target is promoted from, as its values say."""
    taker = environment.load(root, target)
    if taker.follows_sources:
        raise UsageError(f"{target} follows the sources, so nothing is promoted to it; set `follows: pinned`")
    if not taker.promotes_from:
        others = ", ".join(name for name in environment.names(root) if name != target)
        raise UsageError(
            f"{environment.values_path(target)}: it does not say from where {target} is promoted; "
            f"write `{way.KEY}: ENV` there (one of: {others}), or give --from"
        )
    return taker.promotes_from


def _promote(arguments: Namespace) -> int:
    root: Path = arguments.root
    forge = pull_request.forge(root) if arguments.open_pr else None
    proofs, told = _verified(arguments) if arguments.verify else ([], "")
    if not arguments.verify:
        _say_unverified(arguments)
    folder = f"manifests/{arguments.target}"
    before = State(f"{arguments.target} as it was", revision.in_tree(root, folder))
    admit = partial(_admitted, arguments, before) if arguments.only else None
    done = promote(
        root,
        arguments.source,
        arguments.target,
        _selected(arguments),
        admit,
        uncommitted=arguments.uncommitted,
        measured={proof.pipeline: proof.measured for proof in proofs},
    )
    _tell(done)
    if not done.files:
        console.note(f"{arguments.target} has these releases already; nothing changed")
        return ExitCode.OK
    after = State("the work tree", revision.in_tree(root, folder))
    changed = compare(arguments.target, before, after, datetime.now(UTC).replace(microsecond=0))
    seen = gated.with_gates(changed, environment.load(root, arguments.target))
    console.result(f"\n{to_text(seen)}\n")
    _say_unrendered(root, arguments.source, done)
    if forge:
        console.result(_opened(arguments, forge, done, seen, told))
    else:
        console.note(f"commit this and open a pull request: merging it releases to {arguments.target}")
    return ExitCode.OK


def _selected(arguments: Namespace) -> list[str]:
    """The names of what is selected; none is everything. One that the target has not is promote's to tell."""
    part, taker = Selection.of(arguments), environment.load(arguments.root, arguments.target)
    if not part:
        return []
    named = [glob for glob in part.globs if not set(glob) & set("*?[") and not taker.has(glob)]
    return named or sorted(part.chosen({name: taker.team_of(name) for name in taker.pipelines}, taker.name))


def _admitted(arguments: Namespace, before: State, texts: Mapping[str, str]) -> list[str]:
    """The pipelines whose change reaches no farther than `--only`; the others are told."""
    after = State("as promoted", {**before.texts, **texts})
    changed = compare(arguments.target, before, after, datetime.now(UTC).replace(microsecond=0)).pipelines
    order = [*Category]
    held = {item.name: item for item in changed if order.index(item.category) > order.index(arguments.only)}
    listing.reasons([(name, _held(item)) for name, item in held.items()], option="diff.py")
    return [name for name in after.pipelines() if name not in held]


def _held(item: PipelineDiff) -> str:
    why = f" ({'; '.join(item.breaks)})" if item.breaks else ""
    return f"left alone, its change is of category {item.category}{why}"


def _opened(
    arguments: Namespace, forge: pull_request.Forge, done: Promotion, seen: EnvironmentDiff, measured: str
) -> str:
    changed = [item for item in done.pipelines if item.before != item.after] or list(done.pipelines)
    names = columns.some([item.pipeline for item in changed]) or "the reconciler"
    digest = (changed[0].after if changed else "sha256:")[7:19]
    return pull_request.open_(
        arguments.root,
        forge,
        branch=f"promote/{arguments.source}-to-{arguments.target}/{digest or 'reconciler'}",
        title=f"Promote {names} from {arguments.source} to {arguments.target}",
        body="\n".join(filter(None, [measured, to_markdown([seen])])),
        folders=[f"environments/{arguments.target}", f"manifests/{arguments.target}"],
    )


def _say_unrendered(root: Path, source: str, done: Promotion) -> None:
    """What is promoted is what the source would render to, which nobody need have done yet."""
    entries = State(source, revision.in_tree(root, f"manifests/{source}")).entries()
    releases = {name: entry.release for name, entry in entries.items()}
    late = [item.pipeline for item in done.pipelines if releases.get(item.pipeline) != item.after]
    if late:
        console.note(
            f"manifests/{source} does not have this release of {columns.some(late)} yet; "
            f"run `python scripts/render.py --env {source} --lock`, too"
        )


def _tell(done: Promotion) -> None:
    """What changed, and how many did not."""
    changed = [item for item in done.pipelines if item.before != item.after]
    listing.results(map(_line, changed), option=_SHOWN_BY)
    if same := len(done.pipelines) - len(changed):
        console.result(f"{columns.counted(same, 'pipeline')} unchanged")
    listing.results((f"  {action} {path}" for action, path in done.files), option=_SHOWN_BY)


def _line(pipeline: Promoted) -> str:
    before = f"{pipeline.before[:19]}…" if pipeline.before else "nothing"
    return f"{pipeline.pipeline}: {before} → {pipeline.after[:19]}…"


def _verified(arguments: Namespace) -> tuple[list[Proof], str]:
    """Tell what the chosen releases did in the source; those that go on, and the same for a pull request.

    A release that the target has already goes nowhere: it is not refused, and release.yaml gets what it measured.

    Raises:
        RefusedError: one has not run there, or missed what its gates require.
    """
    from kfp_gitops.commands.verifying import Before
    from kfp_gitops.review.promotion import evidence, proof

    before = Before(arguments)
    looked_at = {item.pipeline: item for item in _to_verify(arguments)}
    found = before.proofs([*looked_at.values()])
    for each in found:
        for line in proof.lines(each, arguments.source, before.api.run_link):
            console.note(line)
    between = _between(arguments)
    proof.require([each for each in found if looked_at[each.pipeline].pending], between)
    for line in proof.missing(found, between):
        console.note(f"{line}; {arguments.target} has this release already")
    good = [each for each in found if each.holds]
    return good, evidence.to_markdown(good, arguments.source, before.api.run_link)


def _between(arguments: Namespace) -> Between:
    from kfp_gitops.review.promotion.proof import Between

    taker = environment.load(arguments.root, arguments.target)

    def place(pipeline: str) -> str:
        return taker.values.problem(("pipelines", pipeline, "promote", "require"), "", "", key=True).place

    return Between(arguments.source, partial(pasted, arguments, arguments.source), place)


def _to_verify(arguments: Namespace) -> Iterator[Pending]:
    """The chosen releases that wait, and those that are there and lack what gates require."""
    names, taker = set(_selected(arguments)), environment.load(arguments.root, arguments.target)
    for item in status(arguments.root, arguments.source, arguments.target):
        if not names or item.pipeline in names:
            said = taker.promoted.get(item.pipeline, {})
            lacks = (
                any(gates.recorded(gate, said).why for gate in item.requires) if item.is_the_same else False
            )
            if item.pending or lacks:
                yield item


def _say_unverified(arguments: Namespace) -> None:
    """Gates that nobody looked at."""
    names = set(_selected(arguments))
    held = [
        item.pipeline
        for item in status(arguments.root, arguments.source, arguments.target)
        if item.pending and item.requires and (not names or item.pipeline in names)
    ]
    if held:
        console.note(
            f"{arguments.target} requires measurements of {columns.some(held)}, and nobody looked at them: "
            f"`python scripts/promote.py --to {arguments.target} --status --verify` does, --verify promotes by them"
        )
