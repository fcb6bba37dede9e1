"""What differs in the files that no environment owns, each by place, before, after. Pure.

How Argo CD delivers, what the policy demands, whence a release comes, who reviews what, and what the machinery of a
review is made of: a change of these changes what merging means, or who decides about it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.review.diff import leftover
from kfp_gitops.review.diff.model import Change, SharedDiff

POLICY = "environments/policy.yaml"
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# The machinery is compared as text: of a workflow `on` is a key, and of a Dockerfile there is nothing to parse.
_TEXTS = re.compile(
    r"""(.*/)?\.gitattributes | (.*/)?\.gitmodules | \.gitignore | \.importlinter | Makefile
    | (|\.github/|docs/|\.gitlab/)CODEOWNERS
    | \.(ci|github|gitlab|circleci|tekton)/.* | \.gitlab-ci\.yml | \.pre-commit-config\.yaml
    | (?!tests/)(.*/)?((Docker|Container)file[^/]*|[^/]*\.(Docker|Container)file|\.dockerignore|[^/]*\.lock)
    | ((components|scripts)/)?(pyproject\.toml|requirements[^/]*)""",
    re.VERBOSE | re.DOTALL,  # a name may hold a line break
)
# Argo CD's git generator hands `environments/*/release.yaml` to git, whose `*` crosses folders as well.
_DATA = re.compile(
    r"argocd/.*|environments/policy\.yaml|environments/.+/release\.yaml|manifests/[^/]+", re.DOTALL
)

_PATH, _NAME = 4096, 256
"""Characters (PATH_MAX, NAME_MAX of Linux): what is longer names no file; a text of several lines hardly ever does."""


@dataclass(frozen=True)
class Shared:
    """The shared files of one state, and the name that a person gives it."""

    name: str
    texts: Mapping[str, str]


def compare(before: Shared, after: Shared) -> SharedDiff:
    """All that differs: of YAML by place, of everything else by line."""
    paths = sorted(
        path for path in {**before.texts, **after.texts} if _text(before, path) != _text(after, path)
    )
    changes = [change for path in paths for change in _file(path, before, after)]
    return SharedDiff(before.name, changes, [*_warnings(changes)])


def wanted(paths: Collection[str], read: Callable[[Collection[str]], Mapping[str, str]]) -> set[str]:
    """Which of a repository's files are shared; `read` gives texts of kustomizations, which may name any file."""
    known = set(paths)
    found = {path for path in known if _TEXTS.fullmatch(path) or _DATA.fullmatch(path)}
    found |= known & set(_KUSTOMIZATIONS)
    left = {path for path in known if posixpath.basename(path) in _KUSTOMIZATIONS and _starts(path)}
    seen: set[str] = set()
    while left:
        seen |= left
        named = {name for path, text in read(sorted(left)).items() for name in _named(path, text, known)}
        found |= {path for path in named if not path.startswith("manifests/")}
        left = {path for path in named if posixpath.basename(path) in _KUSTOMIZATIONS} - seen
    return found


def _starts(path: str) -> bool:
    """The root, what it is made of, and what Argo CD applies for an environment."""
    folder = posixpath.dirname(path)
    return folder in ("", "argocd") or (folder.startswith("manifests/") and folder.count("/") == 1)


def _named(path: str, text: str, known: Collection[str]) -> Iterator[str]:
    """The files that a kustomization names in any way, and all that is in a folder that it names."""
    folder = posixpath.dirname(path)
    if folder.startswith("manifests/") and not re.search(r"\.\.|\\", text):
        return  # it names nothing outside of its own folder, and may be large
    for value in {found for document in _documents(path, text) for found in _texts_in(document)}:
        for name in (value, value.partition("=")[2]):
            target = posixpath.normpath(posixpath.join(folder, name)) if name else "."
            if target in known:
                yield target
            elif target != "." and not target.startswith(".."):
                yield from (other for other in known if other.startswith(f"{target}/"))


def _documents(path: str, text: str) -> list[Any]:
    try:
        return [document.value for document in parse_all(text, path)]
    except InputError:
        return [re.split(r"[\s'\",\[\]{}]+", text)]  # whatever it is, it may name files


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) < (_NAME if "\n" in value else _PATH) and "\0" not in value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


def _text(side: Shared, path: str) -> str | None:
    return side.texts.get(path)


def _file(path: str, before: Shared, after: Shared) -> Iterator[Change]:
    old, new = _text(before, path), _text(after, path)
    if not path.endswith((".yaml", ".yml", ".json")) or _TEXTS.fullmatch(path):
        yield from leftover.text(path, old, new)
        return
    try:
        sides = [
            leftover.whole([found.value for found in parse_all(text, path)] if text is not None else None)
            for text in (old, new)
        ]
    except InputError:
        yield from leftover.text(path, old, new)
    else:
        yield from leftover.document(path, *sides)


def _warnings(changes: Collection[Change]) -> Iterator[str]:
    """What a reviewer must not miss."""
    paths = {change.name for change in changes}
    if POLICY in paths:
        yield f"{POLICY} changes: it may refuse less than before"
    if any(posixpath.basename(path) in ("CODEOWNERS", ".gitattributes") or _is_gate(path) for path in paths):
        yield "what decides about pull requests changes: who reviews them, or what is checked and shown"


def _is_gate(path: str) -> bool:
    return path.startswith((".github/", ".ci/", ".gitlab", ".circleci/", ".tekton/"))
