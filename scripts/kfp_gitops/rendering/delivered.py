"""All that stands in manifests/<env>/ beside the pipelines: what Argo CD applies, and what holds them once more.

In two steps, for archives hold the lock, which is compiled from what the first step rendered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base import memo as memos
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.folders import Blob, Kept
from kfp_gitops.base.memo import Memo
from kfp_gitops.checking import limits
from kfp_gitops.rendering import approval, artifact, delivery, packing, passes, planfile, specs
from kfp_gitops.rendering.delivery import Listed
from kfp_gitops.rendering.packing import Given, Packing
from kfp_gitops.rendering.rendered import ENVIRONMENT, LOCK, Rendered, RenderedPipeline
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import sha256


def delivered_by(
    root: Path, env: Environment, pipelines: Sequence[RenderedPipeline], head: str, memo: Memo
) -> tuple[dict[str, str], Packing | None]:
    """(the files by which an environment is delivered, archives and lock excepted; how many archives there are).

    `head` is the text of environment.yaml.

    Raises:
        InputError: a template that does not render, or something that no ConfigMap can hold.
    """
    approved = approval.approved(root, env)
    if artifact.is_wanted(env):
        return {ENVIRONMENT: head, **({planfile.NAME: approved} if approved else {})}, None
    shared = specs.together((pipeline.name, pipeline.shared_files()) for pipeline in pipelines)
    given = _given(pipelines, shared)
    packed = packing.chosen(given)
    if packed is None:
        raise_if_any(_too_large(env, given))
    looked_after = passes.found(root, env, pipelines)
    raise_if_any(passes.problems(env, looked_after))
    listed = Listed(
        [(one.name, one.digest, [*given.own[one.name]]) for one in pipelines], [*shared], looked_after
    )
    inputs = [
        env.name,
        env.values.value,
        env.release_file.value,
        head,
        listed.pipelines,
        vars(looked_after),
        approved,
    ]
    key = memos.digest(inputs, delivery.sources(root), packed and vars(packed)) if memo.used else ""
    if key in memo.known and memo.known[key] == memos.digest(texts := _beside(root, env, packed)):
        memo.fresh[key] = memo.known[key]
        return texts, packed
    texts = {ENVIRONMENT: head, **delivery.render(root, env, listed, approved, packed)}
    texts |= {planfile.NAME: approved} if approved else {}
    if packed is None:
        texts |= delivery.content(root, env, listed, _digests(texts))
    if memo.used:
        memo.fresh[key] = memos.digest(texts)
    return texts, packed


def _given(pipelines: Sequence[RenderedPipeline], shared: Mapping[str, str]) -> Given:
    return Given({pipeline.name: dict(pipeline.own_files()) for pipeline in pipelines}, shared)


def _too_large(env: Environment, given: Given) -> Iterator[Problem]:
    """What forbids the ConfigMaps by which the pipelines get into the cluster."""
    named = {f"the ConfigMap of pipeline {name!r}": own for name, own in given.own.items()}
    for name, found in {**named, "the ConfigMap of the component specs": given.shared}.items():
        texts = {f"manifests/{env.name}/{path}": text for path, text in found.items()}
        keys = {delivery.key(path): f"manifests/{env.name}/{path}" for path in found}
        yield from limits.config_map(name, keys, texts)


def _digests(texts: Mapping[str, str]) -> dict[str, str]:
    """Of the objects: the pipelines of environment.yaml have their own, and it is beside these digests."""
    return {name: f"sha256:{sha256(text)}" for name, text in texts.items() if name != ENVIRONMENT}


def _beside(root: Path, env: Environment, packed: Packing | None) -> dict[str, str]:
    """The files of manifests/<env>/ beside pipelines and lock, as they stand, and beside what is made with a lock."""
    folder = f"manifests/{env.name}"
    not_these = {LOCK, delivery.CONTENT} if packed else {LOCK}
    names = [name for name in files.list_files(root, folder) if "/" not in name and name not in not_these]
    return {name: files.read_text(root, f"{folder}/{name}") for name in names}


def with_lock(root: Path, found: Rendered, lock: str) -> dict[str, str | Blob]:
    """Path below manifests/<env>/ → all that belongs there, the lock ('': there is none yet) and archives included.

    Raises:
        InputError: an archive that no ConfigMap can hold, or a lock that render did not write.
    """
    texts = {**found.files(), **({LOCK: lock} if lock else {})}
    if artifact.is_wanted(found.inputs):
        return {**texts, **_by_artifact(root, found, texts)}
    if found.packing is None:
        return dict(texts)
    inputs = [texts[ENVIRONMENT], lock, found.delivery, [one.digest for one in found.pipelines]]
    key = memos.digest("packed", inputs, delivery.sources(root)) if found.memo.used else ""
    stands = _stands(root, found, found.packing) if key in found.memo.known else {}
    if stands and found.memo.known[key] == _identity(stands):
        found.memo.fresh[key] = found.memo.known[key]
        return {**texts, **stands}
    made = _packed(root, found, found.packing, texts)
    if key:
        found.memo.fresh[key] = _identity(made)
    return {**texts, **made}


def _by_artifact(root: Path, found: Rendered, texts: Mapping[str, str]) -> dict[str, str]:
    """The delivery manifests that name the image: it holds the lock, so it could not be known before."""
    env = found.inputs
    image, listed = artifact.image(texts), Listed([], [], passes.found(root, env, found.pipelines))
    raise_if_any(passes.problems(env, listed.passes))
    raise_if_any(packing.too_long(f"manifests/{env.name}", image.texts))
    approved = texts.get(planfile.NAME, "")
    made = delivery.render(root, env, listed, approved, artifact=artifact.reference(env, image))
    return made | delivery.content(root, env, listed, _digests(made))


def _packed(root: Path, found: Rendered, how: Packing, texts: Mapping[str, str]) -> dict[str, str | Blob]:
    made = how.files(texts, _given(found.pipelines, found.shared))
    raise_if_any(packing.too_large(root, found.folder, made))
    digests = {
        path: f"sha256:{sha256(one)}" if isinstance(one, str) else one.digest for path, one in made.items()
    }
    digests = {**_digests(found.delivery), **digests}
    return {**made, **delivery.content(root, found.inputs, Listed([], []), digests)}


def _stands(root: Path, found: Rendered, how: Packing) -> dict[str, str | Blob]:
    """What stands there in place of what is made with a lock; nothing where some of it is missing."""
    paths = [delivery.CONTENT, *(f"{packing.FOLDER}/{name}" for name in (packing.HEAD, *how.names()))]
    try:
        return {
            path: Kept(files.read_bytes(root, f"{found.folder}/{path}", packing.LARGEST)) for path in paths
        }
    except InputError:
        return {}


def _identity(made: Mapping[str, str | Blob]) -> str:
    contents = {path: one.encode() if isinstance(one, str) else one.content() for path, one in made.items()}
    return memos.digest({path: hashlib.sha256(content).hexdigest() for path, content in contents.items()})
