"""`--as NAME`: a developer's own copy of an environment's pipelines, registered beside them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import RefusedError, UsageError
from kfp_gitops.base.places import Plain
from kfp_gitops.commands import components, console, listing
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.rendering.rendered import ENVIRONMENT
from kfp_gitops.sources import compiledfrom, environment, release
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.operate.asides.working import Working
    from kfp_gitops.reconcile.records import Desired
    from kfp_gitops.sources.environment import Environment

UNTIL = "7d"
_MOST = 20
"""Pipelines that are registered without anybody having said which."""
_NOT_WITH = (
    ("manifests", "--manifests: it is made from the inputs of the repository"),
    ("lease", "--lease: the lock of the environment is not needed, and not taken"),
    ("push_gateway", "--push-gateway: that tells of the environment"),
    ("adopt", "--adopt: nobody's is taken over"),
    ("triggers", "--triggers: it has none"),
    ("refresh_stale", "--refresh-stale: it has no schedules"),
    ("approve", "--approve: no Job carries it out"),
    ("as_values", "--as-values: what is changed in KFP's UI of it is no value"),
    ("require_plan", "--require-plan: nobody has to approve it"),
    ("html", "--html: the page is of the environment"),
)


def add(parser: ArgumentParser, *, renews: bool = False) -> None:
    """Declare the options; `renews`: whether it puts off the end."""
    group = parser.add_argument_group("a developer's own")
    group.add_argument(
        "--as", dest="mine", metavar="NAME",
        help="not the environment, but a copy of its pipelines beside it, called NAME-…: made from environments/, "
        "templates/ and components/ as they are here, committed or not, without schedules and triggers, in "
        "experiments of its own; `reconcile.py down --as NAME` takes it away",
    )  # fmt: skip
    if renews:
        group.add_argument(
            "--until", metavar="T",
            help="with --as: when its time is over, from when on anybody may take it away; 8h, 2d, or an instant in "
            f"RFC 3339; each apply puts it off (default: {UNTIL})",
        )  # fmt: skip


def checked(arguments: Namespace) -> None:
    """What goes with --as.

    Raises:
        UsageError: what does not.
    """
    name: str | None = getattr(arguments, "mine", None)
    if name is None:
        if getattr(arguments, "until", None):
            raise UsageError("--until goes with --as NAME: an environment has no end")
        return
    for option, why in _NOT_WITH:
        if getattr(arguments, option, None) not in (None, False, []):
            raise UsageError(f"--as {name} goes not with {why}")


def not_of_a_run(arguments: Namespace, asked: Sequence[str]) -> Iterator[str]:
    """What of `run.py` goes not with --as; `asked`: what is asked for instead of a run."""
    if arguments.mine is None:
        if arguments.until:
            yield "--until goes with --as NAME: an environment has no end"
        return
    no = {"local": "nothing is registered", "backfill": "it has no schedules", "compare": "ids are enough"}
    yield from (
        f"--as goes not with --{name}: {why}; leave one of them out"
        for name, why in no.items()
        if name in asked
    )
    if arguments.schedule:
        yield "--as goes not with --schedule: it has no schedules; give their parameters with --param"
    if arguments.everywhere:
        yield "--as goes not with --all: it is beside one environment, which --env names"


def settings(root: Path, name: str) -> Mapping[str, Any]:
    """Whose an environment is and which KFP it has: as it was rendered, else as its inputs say.

    Raises:
        GitOpsError: neither can be read.
    """
    from kfp_gitops.reconcile.folder import settings_of

    if (root / "manifests" / name / ENVIRONMENT).is_file():
        return settings_of(Plain.at(files.folder_inside(root.absolute(), f"manifests/{name}")), name)
    found = environment.load(root, name)
    pipelines = [{"name": pipeline} for pipeline in found.pipelines]
    return {"repository": found.repository["id"], "kfp": found.kfp, "pipelines": pipelines}


def working(arguments: Namespace, selection: Selection) -> Working:
    """What the inputs give, compiled; Python that was edited is compiled first, as `run.py --local` does.

    Raises:
        UsageError, InputError: the inputs are not as they should be.
        RefusedError: the environment lets nobody, or it would be very many pipelines.
    """
    from kfp_gitops.operate.asides import working

    env = working.allowed(arguments.root, arguments.env)
    selection = _without_prefix(selection, working.prefix(arguments.mine), env)
    _refuse_environment(arguments, env)
    _refuse_many(arguments, env, selection)
    with redirect_stdout(sys.stderr):
        components.compile_stale(arguments.root, _python_of(arguments, env, selection))
    found = working.of(arguments.root, arguments.env, arguments.mine, arguments.host, selection)
    listing.warnings(found.warnings, everything=getattr(arguments, "everything", False))
    return found


def wanted(arguments: Namespace, selection: Selection) -> Desired:
    """What shall be there of a developer's own."""
    return of(arguments, working(arguments, selection))


def of(arguments: Namespace, found: Working) -> Desired:
    """The same of what was compiled."""
    from kfp_gitops.operate.operations import pause

    until = pause.until(getattr(arguments, "until", None) or UNTIL, datetime.now(UTC).replace(microsecond=0))
    return found.aside(arguments.mine, until, console.user())


def _without_prefix(selection: Selection, prefix: str, env: Environment) -> Selection:
    """Whoever says --as alice may select alice-churn for churn: so it is called on KFP, and in what is shown."""

    def plain(glob: str) -> str:
        known = any(fnmatchcase(name, glob) for name in env.pipelines)
        return glob if known else glob.removeprefix(prefix)

    return replace(selection, globs=tuple(map(plain, selection.globs)))


def _refuse_environment(arguments: Namespace, env: Environment) -> None:
    """Two would be of one name."""
    from kfp_gitops.kfpserver.ownership import Owner
    from kfp_gitops.operate.asides import working

    its = working.owner(Owner(env.repository["id"], env.name), arguments.mine).environment
    if its in environment.names(arguments.root):
        raise RefusedError(f"--as {arguments.mine}: {its} is an environment; choose another name")


def _refuse_many(arguments: Namespace, env: Environment, selection: Selection) -> None:
    if not selection and len(env.pipelines) > _MOST:
        raise RefusedError(
            f"--as {arguments.mine}: {env.name} has {len(env.pipelines):,} pipelines; say which with --pipeline GLOB "
            "or --select team=T ('*' is all)"
        )


def _python_of(
    arguments: Namespace, env: Environment, selection: Selection
) -> list[compiledfrom.Compilation]:
    """Nothing where copies are followed."""
    names = [name for name in env.pipelines if selection.matches(name, env.team_of(name))]
    templates = dict.fromkeys(env.template_of(name) for name in names) if env.follows_sources else ()
    found = [one for template in templates for one in release.python_of(arguments.root, template)]
    return list(dict.fromkeys(found))


def told(wanted: Desired) -> None:
    """Until when it stays, and how it goes."""
    if wanted.aside and wanted.aside.over:
        console.note(
            f"{wanted.owner.environment} stays until {wanted.aside.over:%Y-%m-%d %H:%M} UTC, or until you take it away"
            f"{', and is of what is not committed, too' if wanted.checkout.endswith(CHANGED) else ''}"
        )
