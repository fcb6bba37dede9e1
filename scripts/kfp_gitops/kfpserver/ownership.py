"""The marker on every object that is ours in KFP: one machine-read line in its description.

Recurring runs have no tags and 255 characters of description, so the line is short and the same for all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

_COMMON = frozenset({"repository", "environment", "release", "commit", "kfp"})
_LINE = re.compile(r"^kfp-gitops ((?:[a-z]+=\S+)(?: [a-z]+=\S+)*)$", re.MULTILINE)


CHANGED = "+changes"
"""After the commit of manifests that were not as committed."""


@dataclass(frozen=True)
class Owner:
    """Whose an object is: the repository's stable id (never a URL, it may move) and the environment."""

    repository: str
    environment: str


def describe(owner: Owner, text: str = "", **facts: str) -> str:
    """A description that ends with the marker line, and facts of ours such as `release=sha256:…`.

    A fact is one word: with a space in a commit's name nobody would own the object, with a new line somebody else.
    """
    pairs = {"repository": owner.repository, "environment": owner.environment, **facts}
    words = ((key, "-".join(value.split())) for key, value in pairs.items())
    line = "kfp-gitops " + " ".join(f"{key}={word}" for key, word in words if word)
    return f"{text}\n\n{line}" if text else line


def facts(description: str | None) -> Mapping[str, str]:
    """The facts of the last marker line in a description; empty when there is none."""
    lines = _LINE.findall(description or "")
    pairs = (pair.split("=", 1) for pair in lines[-1].split(" ")) if lines else ()
    # Of thousands of objects the same words: kept once.
    return {intern(key): intern(word) if key in _COMMON else word for key, word in pairs}


def owner(description: str | None) -> Owner | None:
    """Who owns the object with this description; None when it is not marked."""
    found = facts(description)
    if "repository" in found and "environment" in found:
        return _owner(found["repository"], found["environment"])
    return None


@lru_cache(maxsize=256)
def _owner(repository: str, environment: str) -> Owner:
    """Mostly the same few."""
    return Owner(repository, environment)


_TAGS = {"repository": "kfp-gitops-repository", "environment": "kfp-gitops-environment"}
_TAKEN = "kfp-gitops-taken-"
"""Tags that name recurring runs: KFP has no call that changes a recurring run, so its pipeline says whose it is."""
_DIGITS, _IN_ONE, _TAGS_OF_ONE = 11, 5, 20
"""Of an id so many characters (44 bits; two of one pipeline with the same are not to be expected), so many in a tag's
value of 63, and so many tags of a pipeline: limits of KFP 2.17 (apiserver, tags.go)."""


def tags(
    owner: Owner, taken: Collection[str] = (), beside: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The tags of a pipeline that was adopted, beside those that others gave it: its description cannot be changed.

    `taken`: the ids of recurring runs that were made in KFP and are ours by now.

    Raises:
        ValueError: there is no room for so many.
    """
    kept = {key: text for key, text in (beside or {}).items() if not key.startswith(_TAKEN)}
    found = kept | {_TAGS["repository"]: owner.repository, _TAGS["environment"]: owner.environment}
    ids = sorted({_begin(one) for one in taken})
    for number, first in enumerate(range(0, len(ids), _IN_ONE)):
        found[f"{_TAKEN}{number}"] = "_".join(ids[first : first + _IN_ONE])
    if ids and len(found) > _TAGS_OF_ONE:
        room = (_TAGS_OF_ONE - len(found) + -(-len(ids) // _IN_ONE)) * _IN_ONE
        raise ValueError(
            f"KFP keeps {_TAGS_OF_ONE} tags of a pipeline, which have room for {max(room, 0)} recurring runs"
        )
    return found


def owner_in_tags(found: Mapping[str, str]) -> Owner | None:
    """Who adopted the pipeline with these tags."""
    names = [found.get(_TAGS[key]) for key in ("repository", "environment")]
    return Owner(names[0], names[1]) if names[0] and names[1] else None


def is_taken(found: Mapping[str, str], schedule_id: str) -> bool:
    """Whether a pipeline with these tags has this recurring run among those that its owner took over."""
    begin = _begin(schedule_id)
    return any(key.startswith(_TAKEN) and begin in text.split("_") for key, text in found.items())


def _begin(schedule_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", schedule_id)[:_DIGITS]


def other_content(there: str, wanted: str) -> str:
    """What is said of a version that holds another IR than the lock."""
    return (
        f"holds another IR than was reviewed: {there} on the server, {wanted} in the lock; find out who registered it "
        "and stop its runs, then delete this version in KFP and apply"
    )


def same(name: str) -> str:
    """What a name is to KFP's data base: case, accents and trailing blanks do not count (MySQL, utf8_general_ci).

    So `Churn` of somebody else is our `churn`: the server answers 409 to it.
    """
    parts = unicodedata.normalize("NFD", name.rstrip(" "))
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()
