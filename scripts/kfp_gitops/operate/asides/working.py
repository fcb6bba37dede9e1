"""An environment's pipelines as its inputs stand on this machine, committed or not: rendered and compiled in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from kfp_gitops.base import files, generated, git
from kfp_gitops.base.errors import Problem, RefusedError
from kfp_gitops.compiling import compiler, lock
from kfp_gitops.compiling.lock import Locked
from kfp_gitops.kfpserver.ownership import CHANGED, Owner
from kfp_gitops.reconcile import aside, desired
from kfp_gitops.reconcile.folder import Folder, Texts, whole
from kfp_gitops.reconcile.records import Desired
from kfp_gitops.reconcile.shelf import Shelf
from kfp_gitops.rendering import head
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import ENVIRONMENT, Rendered
from kfp_gitops.sources import asides, environment, previews
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.selection import ALL, Selection

_MARK = "{preview}"
_INPUTS = ("environments", "templates", "components")


@dataclass(frozen=True)
class Working:
    """What was made of the inputs, under the environment's own names."""

    desired: Desired
    folder: Folder
    warnings: Sequence[Problem] = ()

    def aside(self, name: str, until: datetime | None, by: str = "") -> Desired:
        """The same as a developer's own.

        Raises:
            UsageError: it cannot be a name.
            RefusedError: a pipeline would have a name that is too long, or taken.
        """
        return aside.aside(self.desired, prefix(name), owner(self.desired.owner, name), until, by)

    def beside(self, of: Desired) -> Folder:
        """Its manifests by the names that its pipelines have as an aside."""
        begin = len(of.pipelines[0].name) - len(self.desired.pipelines[0].name) if of.pipelines else 0
        names = {one.name: one.name[begin:] for one in of.pipelines}
        entries = [
            {"name": name, "release": one.release} for name, one in zip(names, of.pipelines, strict=True)
        ]
        settings = {key: value for key, value in self.folder.environment.items() if key != "absent"}
        return Folder(
            {**settings, "environment": of.owner.environment, "pipelines": entries},
            {name: self.folder.rendered[its] for name, its in names.items()},
            {one.name: Locked(one.version, one.digest, "") for one in of.pipelines},
            self.folder.path,
            {name: self.folder.manifests[its] for name, its in names.items()},
        )


def prefix(name: str) -> str:
    """What the names of a developer's own pipelines begin with."""
    return f"{name}-"


def owner(of: Owner, name: str) -> Owner:
    """Whose they are.

    Raises:
        UsageError: it cannot be a name.
    """
    return aside.owner_of(of.repository, of.environment, name)


def allowed(root: Path, name: str) -> Environment:
    """The inputs of an environment that lets people register something beside it.

    Raises:
        UsageError, InputError: they cannot be read.
        RefusedError: it does not let them.
    """
    found = environment.load(root, name)
    if asides.allowed(found.values.value):
        return found
    others = [other for other in environment.names(root) if other != name and _allows(root, other)]
    instead = f"use --env {others[0]}, or" if others else "to let them"
    raise RefusedError(
        f"{environment.values_path(name)}: {name} lets nobody register copies of its pipelines beside them; {instead} "
        "write `asides: allowed` into it and have that reviewed"
    )


def _allows(root: Path, name: str) -> bool:
    found = environment.partly(root, name).environment
    return found is not None and asides.allowed(found.values.value)


def of(root: Path, name: str, mine: str, host: str | None = None, selection: Selection = ALL) -> Working:
    """Render and compile it for somebody's own (imports kfp).

    In an environment of previews `{preview}` stands for a place of one's own (docs/previews.md): that is the name.

    Raises:
        UsageError: there is no such environment, or nothing of what is selected.
        InputError: it does not render, or not compile.
        RefusedError: an image is still the placeholder, and the host is not this machine.
    """
    rendered = render(root, name, remember=True, selection=selection, instead=_named(root, name, mine))
    texts = _texts(rendered, selection)
    results = compiler.compile_all(texts.shelf, texts.path)
    locked = {
        one.name: Locked(lock.version_name(results[one.name].digest), results[one.name].digest, one.digest)
        for one in texts.shelf
    }
    texts = replace(texts, locked=locked)
    found = replace(desired.as_compiled(texts, results, host), checkout=commit(root))
    # It has no triggers and nobody delivers it: what is warned of these is the environment's.
    return Working(found, whole(texts), replace(rendered, of_delivery=()).warnings)


def _named(root: Path, name: str, mine: str) -> dict[str, str]:
    if not previews.of(root, name):
        return {}
    path = environment.values_path(name)
    return {path: files.read_text(root, path).replace(_MARK, mine)}


def _texts(rendered: Rendered, selection: Selection) -> Texts:
    env, chosen = rendered.inputs, rendered.chosen
    pipelines = [one for one in rendered.pipelines if chosen is None or one.name in chosen]
    path = f"{rendered.folder}/{ENVIRONMENT}"
    settings = generated.read("environment", head.text(env, pipelines, None), path).value
    beside = {*env.pipelines, *env.absent} - {one.name for one in pipelines}
    return Texts(
        settings, Shelf(pipelines), {}, rendered.folder, selection=selection, beside=frozenset(beside)
    )


def commit(root: Path) -> str:
    """The commit that is checked out, with `+changes` where the inputs are not as committed; "" outside of git."""
    found = git.commit(root, "HEAD") if (root / ".git").exists() else None
    if found is None:
        return ""
    changed = git.call(root, "status", "--porcelain", "--", *_INPUTS)
    return f"{found}{CHANGED}" if changed.returncode == 0 and changed.stdout else found
