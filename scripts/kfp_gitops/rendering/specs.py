"""Component specs of manifests/<env>/: each text once, in components/<component>-<hash8>.yaml, for all that use it.

hash8 is the first eight hexadecimal digits of the SHA-256 of the file's text. An entry of environment.yaml names it
for each component of a pipeline, so that what a pipeline runs does not depend on which files lie there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.places import Source
from kfp_gitops.sources.release import sha256

FOLDER = "components"
PREFIX = f"{FOLDER}/"
_DIGITS = 8


def path(component: str, digits: str) -> str:
    """Where a spec stands below manifests/<env>/."""
    return f"{PREFIX}{component}-{digits}.yaml"


def component_of(shared: str) -> str:
    """The component of such a path."""
    return PurePath(shared).stem.rpartition("-")[0]


@lru_cache(maxsize=4096)
def digest(text: str) -> str:
    """The hex SHA-256 of a spec; pipelines share them, so most of them ask again."""
    return sha256(text)


def hash8(text: str) -> str:
    """What the file of a text has behind the component's name."""
    return digest(text)[:_DIGITS]


def read(source: Source, refs: Mapping[str, str], known: dict[str, str] | None = None) -> dict[str, str]:
    """Component → the text that an entry of environment.yaml refers to; what is `known` by its path is not read again.

    Raises:
        InputError: there is no such file, or it holds another text than its name says.
    """
    known = {} if known is None else known
    return {
        component: _read(source, path(component, digits), digits, known) for component, digits in refs.items()
    }


def _read(source: Source, where: str, digits: str, known: dict[str, str]) -> str:
    if where not in known:
        text = source.read_text(where)
        if hash8(text) != digits:
            what = f"its name says {digits}, and the SHA-256 of its text begins with {hash8(text)}"
            raise InputError.of(f"{source.name}/{where}", what, "edit its source instead, and render again")
        known[where] = text
    return known[where]


def together(pipelines: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> dict[str, str]:
    """The shared files of (pipeline, its shared files) each: path → text, sorted.

    Raises:
        InputError: two texts would have one name.
    """
    found: dict[str, tuple[str, str]] = {}
    for pipeline, shared in pipelines:
        for where, text in shared:
            first, other = found.setdefault(where, (pipeline, text))
            if other is not text and other != text:
                what = "two texts begin with the same eight digits of their SHA-256: of pipeline "
                what += f"{first!r}, and of {pipeline!r}"
                todo = f"change a word in the description of component {component_of(where)!r} in one of them"
                raise InputError.of(f"components/{component_of(where)}/component.yaml", what, todo)
    return {where: found[where][1] for where in sorted(found)}


def of_entry(entry: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """(component, digits, path) of what an entry of environment.yaml refers to, as far as it is well-formed."""
    refs = entry.get(FOLDER)
    for component, digits in refs.items() if isinstance(refs, Mapping) else ():
        yield str(component), str(digits), path(str(component), str(digits))
