"""Where two IRs differ, place by place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base.yamltext import Path

_LONGEST = 60


@dataclass(frozen=True)
class Difference:
    """One place of one of the two documents: what the file has, and what comes of the import."""

    document: int
    at: Path
    what: str
    says_the_same: bool = False
    """An input with a default is optional whether it says so or not: kfp 2.17 says it, older ones did not."""


def between(given: Sequence[Mapping[str, Any]], made: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    """Every difference, `sdkVersion` left out as the digest leaves it out."""
    for index in range(max(len(given), len(made))):
        one = dict(given[index]) if index < len(given) else {}
        other = dict(made[index]) if index < len(made) else {}
        if index == 0:
            one.pop("sdkVersion", None)
            other.pop("sdkVersion", None)
        yield from _between(index, (), one, other)


def _between(index: int, at: Path, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key not in other:
                yield Difference(index, (*at, key), f"{key}: {_short(one[key])} would be left out")
            elif key not in one:
                what = f"{'.'.join(map(str, (*at, key)))}: {_short(other[key])} would be added"
                implied = key == "isOptional" and other[key] is True and "defaultValue" in one
                yield Difference(index, at, what, implied)
            else:
                yield from _between(index, (*at, key), one[key], other[key])
    elif json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
        yield Difference(index, at, f"{_short(one)} would become {_short(other)}")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
