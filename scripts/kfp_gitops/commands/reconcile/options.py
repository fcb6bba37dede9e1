"""What the subcommands of `reconcile` share: their options, and from them the folder and the API."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import files, git, replies
from kfp_gitops.base.errors import RefusedError, UsageError
from kfp_gitops.base.places import Mounted, Place, Plain
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.reconcile import showing
from kfp_gitops.kfpserver.ownership import CHANGED, Owner
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.rendering.rendered import ENVIRONMENT
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.reconcile.apply import Outcome
    from kfp_gitops.reconcile.guard import Limits
    from kfp_gitops.reconcile.locking import Held
    from kfp_gitops.reconcile.records import Desired, Options


def add_target(parser: ArgumentParser, timeout: str | None = None) -> None:
    """Which environment, where its manifests stand, and which KFP; `timeout` as in `connection.add`."""
    parser.add_argument("--env", required=True, metavar="ENV")
    connection.add(parser, timeout=timeout)
    parser.add_argument(
        "--push-gateway", metavar="URL", help="tell a Prometheus Pushgateway how it went and what was found"
    )
    parser.add_argument(
        "--manifests", type=Path, metavar="DIR", help="default: manifests/ENV of the repository"
    )


def selected(arguments: Namespace) -> Selection:
    """Which part of the environment it is about.

    Raises:
        UsageError: what is pushed to a Pushgateway of a part would stand for the whole.
    """
    found = Selection.of(arguments)
    if found and arguments.push_gateway:
        raise UsageError(
            "--push-gateway tells of a whole environment, and what it told before goes: leave out it, or the selection"
        )
    return found


def manifests(arguments: Namespace) -> Place:
    """Where the rendered environment stands: in the repository, or where --manifests says that it is mounted.

    Raises:
        InputError: in the repository a link leads to it.
    """
    if arguments.manifests:
        return Mounted(arguments.manifests.absolute())
    return Plain.at(files.folder_inside(arguments.root.absolute(), f"manifests/{arguments.env}"))


def folder(arguments: Namespace) -> Path:
    """The rendered environment's folder."""
    found: Path = arguments.manifests or arguments.root / "manifests" / arguments.env
    return found.resolve()


def add_identity(parser: ArgumentParser) -> None:
    """For where the manifests are gone."""
    parser.add_argument(
        "--repository", metavar="ID", help="the repository's id (default: what environment.yaml says)"
    )
    parser.add_argument("--namespace", metavar="NS", help="the user namespace, likewise")


def owned(arguments: Namespace) -> tuple[Owner, KfpApi]:
    """Whose objects, and where: by environment.yaml alone, or by what was given in its place.

    Raises:
        InputError: environment.yaml is malformed.
        UsageError: there is no environment.yaml, and not all was given that it would say.
    """
    from kfp_gitops.reconcile.folder import settings_of
    from kfp_gitops.reconcile.hosts import checked_host

    given = (arguments.repository, arguments.host, arguments.namespace)
    if all(text is not None for text in given):
        repository, host, namespace = given
    elif not (settings := folder(arguments) / ENVIRONMENT).is_file():
        more = "without it give --repository, --host and --namespace ('' on a single-user KFP)"
        raise UsageError(f"{settings}: no such file; {more}")
    else:
        found = settings_of(manifests(arguments), arguments.env)
        repository, kfp = arguments.repository or found["repository"], found["kfp"]
        host = arguments.host or kfp["host"]
        namespace = kfp["namespace"] if arguments.namespace is None else arguments.namespace
    api = connection.api(arguments, checked_host(host), namespace)
    return Owner(repository, arguments.env), api


def add_decisions(parser: ArgumentParser) -> None:
    """What a person decides, and how the plan is shown."""
    _add_wishes(group := parser.add_argument_group("decisions"))
    _add_limits(group)
    showing.add(parser.add_argument_group("the plan"))


def _add_wishes(group: Any) -> None:
    group.add_argument(
        "--adopt", action="append", default=[], metavar="P",
        help="take over the pipeline of this name, and its recurring runs of our names, that nobody marked",
    )  # fmt: skip
    group.add_argument(
        "--triggers", action=BooleanOptionalAction, default=None,
        help="whether new releases start the runs of their triggers; --no-triggers: neither now nor later "
        "(default: yes, unless KFP has lost everything of this environment)",
    )  # fmt: skip
    group.add_argument(
        "--refresh-stale", action="store_true",
        help="also replace recurring runs that an older KFP compiled and this one could not compile anew at its start",
    )  # fmt: skip


def _add_limits(group: Any) -> None:
    group.add_argument(
        "--max-delete", type=natural, default=10, metavar="N", help="refuse more removals (default: 10)"
    )
    group.add_argument(
        "--protect",
        action="append",
        default=[],
        metavar="P",
        help="refuse to remove anything of this pipeline",
    )
    group.add_argument(
        "--allow-empty",
        action="store_true",
        help="an environment without a pipeline is meant: stop everything",
    )


def decisions(arguments: Namespace, api: KfpApi) -> Options:
    """What a person decided, and what the server is.

    Raises:
        RefusedError: the server does not go with the environment's namespace: half of it would be made.
    """
    from kfp_gitops.kfpserver.kfpapi.features import wrong_namespace
    from kfp_gitops.reconcile.records import Options

    features = api.features()
    if fault := wrong_namespace(features, api.namespace):
        what, todo = fault
        where = f"environments/{arguments.env}/values.yaml"
        raise RefusedError(
            f"{api.host} is {what}; {todo} in {where}, render, and commit: nothing was changed"
        )
    server = features.version
    if arguments.refresh_stale and not server:
        raise UsageError(f"--refresh-stale: {api.host} does not tell its version")
    return Options(
        triggers=arguments.triggers is not False,
        adopt=frozenset(arguments.adopt),
        server=server,
        refresh_stale=arguments.refresh_stale,
    )


def without_triggers_after_a_loss(
    arguments: Namespace, held: Held, api: KfpApi, found: Actual, decided: Options, owner: Owner
) -> Options:
    """Applied before, and nothing of ours is there: KFP's database was lost, and no release is really new.

    Not even of pipelines that have left the manifests since. That is remembered until an apply has run through: one
    that was killed half-way leaves some of it registered.
    """
    from kfp_gitops.reconcile.observe import nothing_of

    if held.memory and nothing_of(owner, found) and not api.has_anything_of(owner):
        held.remember(Memory.REBUILDING)
    elif not held.memory and not nothing_of(owner, found):
        held.remember(Memory.APPLIED)
    if arguments.triggers is not None or held.memory is not Memory.REBUILDING:
        return decided
    console.note(
        f"{arguments.env} was applied before, and then nothing of it was there: KFP seems to have lost its database; "
        "everything is registered anew, and no trigger starts a run (--triggers: they do; --no-triggers: as now)"
    )
    return replace(decided, triggers=False)


def remember(held: Held, found: Actual, done: Outcome, wanted: Desired) -> None:
    """What an apply leaves to the next one: something of ours is there, if it is.

    Where nothing was there and nothing was made, the next one that finds nothing has lost nothing. After a loss a part
    is not all that is made anew: of the rest no release is really new either.
    """
    from kfp_gitops.reconcile.observe import nothing_of

    made = any(event.action in ("create", "adopt") and event.outcome == "done" for event in done.events)
    rebuilt = not wanted.selected or held.memory is not Memory.REBUILDING
    if rebuilt and not done.failed and (made or not nothing_of(wanted.owner, found)):
        held.remember(Memory.APPLIED)


def limits(arguments: Namespace) -> Limits:
    """The blast radius that a person allows."""
    from kfp_gitops.reconcile.guard import Limits

    return Limits(arguments.max_delete, frozenset(arguments.protect), arguments.allow_empty)


def commit(arguments: Namespace) -> str:
    """The commit of the repository that is applied from, where there is one. `…+changes`: and what is not committed."""
    if not (arguments.root / ".git").exists() or not shutil.which("git"):
        return ""
    found = git.commit(arguments.root, "HEAD")
    changed = git.call(arguments.root, "status", "--porcelain", "--", str(folder(arguments)))
    # Of manifests outside of the repository git knows nothing, and this commit is not theirs.
    if found is None or changed.returncode != 0:
        return ""
    return f"{found}{CHANGED}" if changed.stdout else found


def natural(text: str) -> int:
    """0, 1, 2 …"""
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text!r} is no whole number from 0 on, such as 10")
    return int(text)


def positive(text: str) -> int:
    """1, 2, 3 …"""
    if not natural(text):
        raise ArgumentTypeError("0 is too few; write 1 or more, such as 16")
    return int(text)


def add_lock(parser: ArgumentParser) -> None:
    """How long to wait for which lock."""
    parser.add_argument(
        "--lease", metavar="NAMESPACE/NAME",
        help="the Kubernetes Lease that keeps other reconcilers out (default: a file lock on this machine)",
    )  # fmt: skip
    parser.add_argument(
        "--lock-timeout",
        type=connection.seconds,
        default=300.0,
        metavar="S",
        help="seconds to wait for it (default: 300)",
    )


def key(api: KfpApi, owner: Owner) -> tuple[str, ...]:
    """By what the lock of an environment is known on one machine."""
    return (api.host, api.namespace or "", owner.repository, owner.environment)


@contextmanager
def locked(arguments: Namespace, api: KfpApi, owner: Owner) -> Iterator[Held]:
    """Hold the environment's lock; once it is lost, the API writes no more.

    Two repositories never touch each other's objects, so they have a lock and a memory each.
    """
    with ExitStack() as stack:
        # To take it is part of what --timeout bounds; to hold it is not.
        with replies.within(most := api.budget.left(api.host)):
            seconds = min(arguments.lock_timeout, most)
            held = stack.enter_context(locking.hold(arguments.lease, key(api, owner), seconds, console.note))
        api.before_write = held.check
        yield held
