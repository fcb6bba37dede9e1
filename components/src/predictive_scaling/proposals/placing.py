"""Where a tree is laid: the kustomization that lists it as a component, and the names that hold there.

kustomize lays a component over what `resources` gave, and sets namePrefix, nameSuffix and namespace of the same
kustomization only afterwards; a patch there must name objects as they are before. Further up it matches either name.
Seen with kustomize 5.5: with `namePrefix: prod-` beside the component, a patch for prod-checkout matches nothing and
one for checkout does; so does `namespace: default` for a base without one, and not the namespace that is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.yamltext import Seen, composed

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True)
class Placing:
    """Prefix, suffix and namespace that are set after the component is laid; empty where none are."""

    prefix: str = ""
    suffix: str = ""
    namespace: str = ""

    def names(self, name: str) -> tuple[str, ...]:
        """The names of an object, given one of them: the first holds when the component is laid."""
        if name.startswith(self.prefix) and name.endswith(self.suffix):
            inner = name.removeprefix(self.prefix).removesuffix(self.suffix)
            return tuple(dict.fromkeys((inner, name)))
        return name, self.after(name)

    def after(self, name: str) -> str:
        """A name of the base as it is rendered."""
        return f"{self.prefix}{name}{self.suffix}"


NOWHERE = Placing()


def kustomization_in(folder: Path) -> Path | None:
    """The kustomization file of a folder."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def placing(folder: Path) -> Placing:
    """How the tree in a folder is laid, as far as the kustomizations around it say.

    Raises InputError where two of them lay it differently: one set of patches cannot serve both.
    """
    real = folder.resolve()
    found = {_laid(seen): file for file, seen in _near(real) if real in _components(file, seen)}
    if len(found) > 1:
        files = ", ".join(str(file) for file in found.values())
        raise InputError(
            f"{folder}: {files} list this tree and set other prefixes or namespaces; give each a tree of its own, or "
            "list the tree in a kustomization above them"
        )
    return next(iter(found), NOWHERE)


def is_listed(folder: Path) -> bool:
    """Whether a kustomization near lists the tree: without one it has no effect."""
    real = folder.resolve()
    return any(real in _components(file, seen) for file, seen in _near(real))


def _near(real: Path) -> Iterator[tuple[Path, Seen]]:
    """Kustomizations around a folder."""
    for each in [
        real.parent,
        *sorted(one for one in _folders(real.parent) if one != real),
        real.parent.parent,
    ]:
        file = kustomization_in(each)
        seen = _read(file) if file else None
        if file and seen:
            yield file, seen


def _laid(seen: Seen) -> Placing:
    return Placing(seen.said("namePrefix"), seen.said("nameSuffix"), seen.said("namespace"))


def _components(file: Path, seen: Seen) -> set[Path]:
    listed = [each.text for each in seen.listed("components") if each.text and "://" not in each.text]
    return {(file.parent / each).resolve() for each in listed}


def _folders(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir()]
    except OSError:
        return []


def _read(file: Path) -> Seen | None:
    """A neighbour that cannot be read is none of ours."""
    try:
        found = composed(str(file), file.read_bytes().decode())
    except (InputError, UnicodeDecodeError, OSError):
        return None
    return found[0] if found else None
