"""Copy releases from one environment to another's pinned copies, render and lock; all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kfp_gitops.base import files, folders
from kfp_gitops.base.errors import Problem, RefusedError, UsageError, meant, raise_if_any
from kfp_gitops.base.yamldump import dump
from kfp_gitops.compiling import lock
from kfp_gitops.rendering.delivered import with_lock
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import Rendered
from kfp_gitops.review.promotion import provenance
from kfp_gitops.review.promotion.history import carried
from kfp_gitops.review.promotion.provenance import Origins
from kfp_gitops.sources import environment, released, way
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.sources.release import FILE_VERSION, Release, pinned_files, pinned_folder

_HEADER = """# yaml-language-server: $schema=../../scripts/kfp_gitops/language/schemas/release.schema.json
# Written by `python scripts/promote.py`; a pinned copy that differs from its digest here is refused.
"""
_NAMED = 10
"""So many pipelines of which the same is wrong are named, the rest is counted."""


@dataclass(frozen=True)
class Promoted:
    """One pipeline's release, before and after."""

    pipeline: str
    before: str | None
    after: str


@dataclass(frozen=True)
class Promotion:
    """What was promoted, and every file that changed: (action, path)."""

    pipelines: tuple[Promoted, ...]
    files: tuple[tuple[str, str], ...]


Admit = Callable[[Mapping[str, str]], Collection[str]]
"""Texts of `manifests/<target>/` as they would be → the pipelines that may change so."""


def promote(
    root: Path,
    source: str,
    target: str,
    pipelines: Sequence[str],
    admit: Admit | None = None,
    *,
    uncommitted: bool = False,
    measured: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
) -> Promotion:
    """Copy releases, render and lock the target; writes nothing unless all of it works.

    With no pipelines named, all of the target's, and the reconciler's image too. With `admit` only pipelines that it
    lets through, and nothing else. `uncommitted`: also what no commit has, and release.yaml says so. `measured`: what
    runs of them had, which it says as well.

    Raises:
        UsageError: the target does not follow pinned copies, or a pipeline is not there.
        RefusedError: what would be promoted is not committed.
        InputError: something does not render or compile, or Git speaks against what was promoted to the source.
    """
    giver, taker = environment.load(root, source), environment.load(root, target)
    _refuse_impossible(root, giver, taker, pipelines)
    raise_if_any(provenance.verify(root, [giver]).problems)  # a forged copy would be a true one's source
    chosen, whole = list(pipelines) or taker.pipelines, not pipelines and admit is None
    given = released.releases(root, giver, chosen)
    origins = provenance.origins(root, giver, taker, given)
    if not uncommitted:
        _refuse_uncommitted(giver, origins, with_reconciler=whole)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder)
        _stage(root, staged)
        _write_release(staged, giver, taker, given, origins, measured, with_reconciler=whole)
        rendered = render(staged, target)
        if admit is not None and len(left := _admitted(admit, rendered, given)) < len(given):
            if not left:
                return Promotion((), ())
            return promote(root, source, target, left, admit, uncommitted=uncommitted, measured=measured)
        wanted = with_lock(root, rendered, lock.compiled(rendered))
        changed = _copy_back(staged, root, target)
        changed += [
            (action, f"{rendered.folder}/{name}")
            for action, name in folders.synchronise(root, rendered.folder, wanted)
        ]
    before = {name: taker.promoted.get(name, {}).get("digest") for name in given}
    done = tuple(Promoted(name, before[name], given[name].digest) for name in sorted(given))
    return Promotion(done, tuple(changed))


def _admitted(admit: Admit, rendered: Rendered, given: Mapping[str, Release]) -> list[str]:
    let_through = admit(rendered.files())
    return [name for name in given if name in let_through]


def _refuse_uncommitted(giver: Environment, origins: Origins, *, with_reconciler: bool) -> None:
    """All at once. Nobody could ever tell from where it came."""
    names = sorted(origins.uncommitted)
    shown, more = (
        (names, "") if len(names) <= _NAMED else (names[:_NAMED], f" and {len(names) - _NAMED:,} more")
    )
    found = [f"{', '.join(shown)}{more}: no commit has this release of {giver.name}"] if names else []
    if with_reconciler and not origins.reconciler_committed:
        path = environment.release_path(giver.name)
        found.append(f"image {RECONCILER_IMAGE}: no commit has this line of {path}")
    if found:
        todo = "commit it first, or add --uncommitted: release.yaml then says so, and the policy refuses that for prod"
        raise RefusedError("\n".join([*found, todo]))


def _refuse_impossible(root: Path, giver: Environment, taker: Environment, pipelines: Sequence[str]) -> None:
    if giver.name == taker.name:
        raise UsageError(f"--from and --to are both {giver.name!r}; name two environments")
    if taker.follows_sources:
        raise UsageError(
            f"{taker.name} follows the sources, so nothing is promoted to it; set `follows: pinned`"
        )
    if taker.promotes_from not in ("", giver.name):
        raise RefusedError(_past(root, giver.name, taker))
    raise_if_any(_not_there(giver, taker, pipelines))


def _not_there(giver: Environment, taker: Environment, pipelines: Sequence[str]) -> Iterator[Problem]:
    """What is asked for and is no pipeline of both, each where its values are, or would be."""
    if not taker.pipelines:
        todo = f"name some in {environment.values_path(taker.name)}"
        yield taker.values.problem(
            ("pipelines",), f"{taker.name} has no pipeline to promote to", todo, key=True
        )
    own = environment.values_path(taker.name)
    for name in pipelines or taker.pipelines:
        if not taker.has(name):
            like = meant(name, taker.pipelines)
            todo = (
                f"did you mean {like!r}?"
                if like
                else _begun_by(giver, taker, name)
                if giver.has(name)
                else f"add its values to {own}"
            )
            yield taker.values.problem(
                ("pipelines",), f"{taker.name} has no pipeline {name!r}", todo, key=True
            )
        elif not giver.has(name):
            todo = f"add it to {taker.file_of(name, giver.name)}, or name the others with --pipeline"
            yield taker.values.problem(
                ("pipelines", name),
                f"{giver.name} has no pipeline {name!r}, so it has no release",
                todo,
                key=True,
            )


def _begun_by(giver: Environment, taker: Environment, name: str) -> str:
    """Where its values go, and which are a start; what was taken over in KFP by one environment is no other's."""
    place = giver.values.problem(("pipelines", name), "", "", key=True).place
    but = " but for `adopts`" if giver.adopts(name) else ""
    return f"add its values to {giver.file_of(name, taker.name)}; those of {giver.name} are a start ({place}){but}"


def _past(root: Path, source: str, taker: Environment) -> str:
    before = taker.promotes_from
    place = taker.values.problem((way.KEY,), "", "").place
    steps = way.to(root, taker.name)
    return (
        f"{place}: {taker.name} is promoted from {before}, and not from {source}: {way.shown(steps)}; "
        f"{way.instead(steps, source)}; what cannot wait for that needs another `{way.KEY}` there, reviewed with it"
    )


def _stage(root: Path, staged: Path) -> None:
    """A copy of what rendering a pinned environment reads, to try the promotion on."""
    for folder in ("environments", "templates/delivery"):
        shutil.copytree(root / folder, staged / folder, symlinks=True)


def _write_release(
    staged: Path,
    giver: Environment,
    taker: Environment,
    given: Mapping[str, Release],
    origins: Origins,
    measured: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    with_reconciler: bool,
) -> None:
    entries = {name: dict(entry) for name, entry in taker.promoted.items() if taker.has(name)}
    for name, found in given.items():
        folders.synchronise(staged, pinned_folder(taker.name, name), pinned_files(found))
        before = entries.get(name, {})
        if name in origins.new:
            entries[name] = _entry(giver, name, found, origins.new[name])
        # An entry that is written anew for the same release, with another commit, keeps what that measured.
        kept = before.get("measured") if before.get("digest") == found.digest else None
        if told := measured.get(name) or kept:
            entries[name]["measured"] = list(told)
    for stale in set(files.list_folders(staged, f"environments/{taker.name}/pinned")) - set(taker.pipelines):
        folders.synchronise(staged, pinned_folder(taker.name, stale), {})  # a link is refused, not followed
    images = dict(taker.images)
    if with_reconciler:
        images[RECONCILER_IMAGE] = giver.images[RECONCILER_IMAGE]
    text = _release_text(images, {name: entries[name] for name in taker.pipelines if name in entries})
    files.write_text(staged, environment.release_path(taker.name), text)


def _entry(giver: Environment, name: str, found: Release, commit: str) -> dict[str, Any]:
    template = giver.template_of(name)
    sources = "" if giver.follows_sources else carried(giver.promoted.get(name, {}))
    return {
        **({"template": template} if template != name else {}),
        "digest": found.digest,
        "images": dict(found.used_images),
        "from": giver.name,
        "commit": commit,
        **({"sources": sources} if sources else {}),
    }


def _release_text(images: Mapping[str, str], entries: Mapping[str, Any]) -> str:
    return _HEADER + dump(
        {"apiVersion": FILE_VERSION, "kind": "Release", "images": dict(images), "pipelines": dict(entries)}
    )


def _copy_back(staged: Path, root: Path, target: str) -> list[tuple[str, str]]:
    """What promotion writes below environments/, and nothing else there; release.yaml last: it names the copies."""
    folder, path = f"environments/{target}/pinned", environment.release_path(target)
    texts = {name: files.read_text(staged, f"{folder}/{name}") for name in files.list_files(staged, folder)}
    done = [(action, f"{folder}/{name}") for action, name in folders.synchronise(root, folder, texts)]
    text = files.read_text(staged, path)
    if text == files.read_text(root, path):
        return done
    files.write_text(root, path, text)
    return [*done, ("change", path)]
