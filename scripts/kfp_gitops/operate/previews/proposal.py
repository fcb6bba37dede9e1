"""What a pull request proposes: the pipelines of an environment of previews that it touches, rendered and locked.

It is made where nothing is secret, from files that are read and never run, and written to a folder; whoever has the
secrets reads that folder as a stranger's, with scripts of its own.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kfp_gitops.base import files, folders, git
from kfp_gitops.base.errors import InputError, UsageError
from kfp_gitops.compiling import lock
from kfp_gitops.compiling.lock import Locked
from kfp_gitops.operate.previews import checkout
from kfp_gitops.rendering import head
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import ENVIRONMENT, LOCK, Rendered
from kfp_gitops.sources import environment

FILE = "preview.json"


@dataclass(frozen=True)
class Proposal:
    """The pipelines that are previewed, and what is told of the rest."""

    number: int
    environment: str
    previewed: str
    """The environment that it is a preview of."""
    head: str
    """The commit that it is of, with `+changes` where it is more than that."""
    base: str
    pipelines: tuple[str, ...]
    settings: tuple[str, ...] = ()
    """Those that change, and compile to what they did: schedules, descriptions, owners."""
    gone: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    """Files that change and are in images, which are not built for a preview."""
    notes: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its pipelines in KFP begin with, but for a `-`; and the environment of its objects."""
        return called(self.number)


def called(number: int) -> str:
    """What the preview of a pull request is called."""
    return f"pr-{number}"


def made(root: Path, name: str, number: int, base: str, out: Path, of: str = "") -> Proposal:
    """Render an environment as it is now and as it was at a revision, and write what differs to a folder.

    `of`: the commit that it is said to be of, where the work tree is what merging that makes.

    Raises:
        InputError: it does not render, or does not compile.
        UsageError: no such environment, or no such revision.
    """
    if name not in environment.of_previews(root):
        known = (
            ", ".join(environment.of_previews(root)) or "none; write `previewOf: ENV` into one's values.yaml"
        )
        raise UsageError(f"no environment {name!r} of previews; there are: {known}")
    commit = checkout.resolve(root, base)
    with tempfile.TemporaryDirectory(prefix="kfp-gitops-preview-") as folder:
        ours, theirs = Path(folder) / "head", Path(folder) / "base"
        checkout.of_work_tree(root, ours)
        checkout.of_commit(root, commit, theirs)
        for one in (ours, theirs):
            checkout.named(one, name, called(number))
        now = render(ours, name)
        before, notes = _before(theirs, name)
        proposal, texts = _compared(number, now, before)
    proposal = replace(
        proposal,
        head=of or _head(root),
        base=commit,
        images=tuple(checkout.of_images(root, commit)),
        notes=notes,
    )
    folders.synchronise(out, f"manifests/{name}", texts)
    files.write_text(out, FILE, json.dumps(asdict(proposal), indent=2) + "\n")
    return proposal


def read(folder: Path) -> Proposal:
    """What `made` wrote, whoever wrote it.

    Raises:
        InputError: it is not of this form.
    """
    text = files.read_text(folder, FILE)
    try:
        found = json.loads(text)
        environment, previewed, head, base = (
            str(found[key]) for key in ("environment", "previewed", "head", "base")
        )
        pipelines, settings, gone, images, notes = (
            tuple(map(str, found[key])) for key in ("pipelines", "settings", "gone", "images", "notes")
        )
        return Proposal(
            int(found["number"]), environment, previewed, head, base, pipelines, settings, gone, images, notes
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise InputError.of(FILE, "is not what `preview.py render` writes", "render it again") from None


def _before(folder: Path, name: str) -> tuple[Rendered | None, tuple[str, ...]]:
    """As it was; where that did not render, everything is touched."""
    try:
        return render(folder, name), ()
    except UsageError:
        return None, (f"the base has no environment {name} yet, so all of its pipelines are touched",)
    except InputError as error:
        why = str(error).splitlines()[0]
        return None, (f"the base does not render, so all pipelines count as touched: {why}",)


def _compared(number: int, now: Rendered, before: Rendered | None) -> tuple[Proposal, dict[str, str]]:
    was = {pipeline.name: pipeline.digest for pipeline in before.pipelines} if before else {}
    changed = [one.name for one in now.pipelines if was.get(one.name) != one.digest]
    locked, old = _locked(now, changed), _locked(before, [n for n in changed if n in was]) if before else {}
    touched = [name for name in changed if name not in old or old[name].digest != locked[name].digest]
    source = str(now.inputs.values.value["previewOf"])
    proposal = Proposal(
        number,
        now.environment,
        source,
        "",
        "",
        tuple(touched),
        settings=tuple(name for name in changed if name not in touched),
        gone=tuple(sorted(was.keys() - {one.name for one in now.pipelines})),
    )
    return proposal, _texts(now, touched)


def _locked(rendered: Rendered, names: Sequence[str]) -> Mapping[str, Locked]:
    """What some of its pipelines compile to; nothing else is compiled."""
    if not names:
        return {}
    text = lock.compiled(replace(rendered, chosen=frozenset(names)))
    return lock.read(text, f"{rendered.folder}/{LOCK}")


def _texts(rendered: Rendered, names: Sequence[str]) -> dict[str, str]:
    """manifests/<env>/ of some pipelines alone, without what delivers them."""
    kept = tuple(one for one in rendered.pipelines if one.name in names)
    texts = {ENVIRONMENT: head.text(rendered.inputs, kept, None)}
    for pipeline in kept:
        texts |= dict(pipeline.files())
    texts[LOCK] = lock.compiled(replace(rendered, pipelines=kept))
    return texts


def _head(root: Path) -> str:
    found = git.commit(root, "HEAD") or ""
    how = ("status", "--porcelain", "--", "environments", "templates", "components")
    changed = git.call(root, *checkout.QUIET, *how)
    return f"{found}+changes" if found and changed.stdout else found
