"""What the archives of a packed environment have to hold, worked out from its texts: a stranger may change one alone.

People, the diff and the policy read the texts; delivered is what is packed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base import archives
from kfp_gitops.base.archives import LOCK, MOST_PARTS, Archive
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.ustar import BadArchiveError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.rendering import specs
from kfp_gitops.rendering.packing import FOLDER, HEAD, Given, Packing

PREFIX = f"{FOLDER}/"
_SUFFIX = ".tar.gz"


def is_archive(path: str) -> bool:
    """Whether a path below manifests/<env>/ is one of an archive."""
    return path.startswith(PREFIX) and path.endswith(_SUFFIX)


def identity(content: bytes) -> str:
    """An archive as a text: two are the same just when they hold the same; of what is none its own digest."""
    tar = archives.tar_in(content)
    if tar is None:
        return f"{len(content)} bytes that are no archive, sha256:{hashlib.sha256(content).hexdigest()}\n"
    return f"archive sha256:{hashlib.sha256(tar).hexdigest()}\n"


def wanted(texts: Mapping[str, str]) -> dict[str, str]:
    """Path below manifests/<env>/ → what has to stand in `packed/`, archives as `identity` has them.

    `texts` are those of manifests/<env>/, in which archives may stand as well: only whether there are any counts.
    Nothing where nothing is packed, or the texts are not such that they could be.
    """
    packing = _packing(texts)
    if packing is None:
        return {}
    own: dict[str, dict[str, str]] = defaultdict(dict)
    for path, text in texts.items():
        match path.split("/"):
            case ["pipelines", pipeline, _, *_]:
                own[pipeline][path] = text
    shared = {path: text for path, text in texts.items() if path.startswith(f"{specs.FOLDER}/")}
    if shared and not packing.component_parts:
        return {}
    try:
        made = packing.files({HEAD: texts[HEAD], LOCK: texts.get(LOCK, "")}, Given(own, shared))
        return {path: _shown(one) for path, one in made.items()}
    except (InputError, AssertionError, BadArchiveError):  # not texts that render wrote
        return {}


def faults(folder: str, texts: Mapping[str, str]) -> Iterator[Problem]:
    """Where what is packed is not what the texts say; `texts` have archives as `identity` has them."""
    found = {path: text for path, text in texts.items() if path.startswith(PREFIX)}
    right = wanted(texts) if found else {}
    for path in sorted({*found, *right}):
        if found.get(path) != right.get(path):
            what = "is not what the files beside it hold, and it is what is delivered"
            env = folder.rpartition("/")[2]
            todo = f"run `python scripts/render.py --env {env} --lock` and commit"
            yield Problem(f"{folder}/{path}", 0, 0, what, todo)


def _shown(one: str | Archive) -> str:
    return one if isinstance(one, str) else f"archive {one.digest}\n"


def _packing(texts: Mapping[str, str]) -> Packing | None:
    try:
        found = parse(texts[f"{PREFIX}{HEAD}"], "").value
    except (InputError, KeyError):
        return None
    said: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    parts, component_parts = said.get("parts"), said.get("componentParts", 0)
    if HEAD not in texts or not (_is_count(parts, 1) and _is_count(component_parts, 0)):
        return None
    return Packing(int(parts or 0), int(component_parts))


def _is_count(found: Any, least: int) -> bool:
    return type(found) is int and least <= found <= MOST_PARTS
