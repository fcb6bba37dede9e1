"""Shapes as a JSON document, `predictive-scaling/shapes-v1`: what fetch_usage writes and publishing reads.

Only what is known is written. What is read is bounded, since an artifact or a bucket may hold anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.bounds import MAX_BYTES, MAX_CONTAINERS, MAX_CORES, MAX_REPLICAS, MAX_SHAPES
from predictive_scaling.shapes.shape import KINDS, Amounts, Container, Scaler, Shape, Use

SCHEMA = "predictive-scaling/shapes-v1"
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_OF_SHAPE = (
    "service",
    "namespace",
    "kind",
    "replicas",
    "containers",
    "pod",
    "scaler",
    "main",
    "cores",
    "max",
)
_OF_CONTAINER = (
    *("name", "requests", "limits", "sidecar"),
    *("highest", "throttled", "oom_kills", "oom_limit"),
)
_OF_SCALER = ("kind", "name", "min", "max", "utilisation")


def shapes_document(shapes: Iterable[Shape]) -> Document:
    """The document of some shapes, in their order."""
    return {"schema": SCHEMA, "shapes": [_shape(each) for each in shapes]}


def read_shapes(document: Mapping[str, Any], name: str) -> list[Shape]:
    """Shapes of a document; `name` is what errors call it. Raises InputError with the place of all that is wrong."""
    found = _Reader(name)
    if document.get("schema") != SCHEMA:
        raise InputError(f"{name}: schema is {str(document.get('schema'))[:80]!r}; it must be {SCHEMA}")
    rows = found.listed(document, "shapes", "", MAX_SHAPES)
    shapes = [found.shape(each, f"shapes[{at}]") for at, each in enumerate(rows)]
    if found.wrong:
        raise InputError("\n".join(found.wrong[:20]))
    return shapes


def _shape(shape: Shape) -> Document:
    return _known(
        service=shape.service,
        namespace=shape.namespace or None,
        kind=shape.kind or None,
        replicas=shape.replicas,
        containers=[_container(each) for each in shape.containers] or None,
        pod=_amounts(shape.pod),
        scaler=_scaler(shape.scaler),
        main=shape.main,
        cores=shape.cores,
        max=shape.max,
    )


def _container(container: Container) -> Document:
    use = container.use or Use()
    return _known(
        name=container.name,
        requests=_amounts(container.requests),
        limits=_amounts(container.limits),
        sidecar=container.sidecar or None,
        highest=_amounts(use.highest),
        throttled=use.throttled,
        oom_kills=use.oom_kills or None,
        oom_limit=use.oom_limit,
    )


def _scaler(scaler: Scaler | None) -> Document | None:
    return _known(**vars(scaler)) if scaler else None


def _amounts(amounts: Amounts) -> Document | None:
    return _known(cpu=amounts.cpu, memory=amounts.memory) or None


def _known(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


class _Reader:
    """Reads values of a document; what is wrong is noted, with its place, and reads as not known."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.wrong: list[str] = []

    def shape(self, found: Any, at: str) -> Shape:
        of = self._object(found, at, _OF_SHAPE)
        containers = [
            self.container(each, f"{at}.containers[{i}]")
            for i, each in enumerate(self.listed(of, "containers", at, MAX_CONTAINERS))
        ]
        return Shape(
            service=self._text(of, "service", at, _NAME) or "",
            namespace=self._text(of, "namespace", at, _LABEL, optional=True) or "",
            kind=self._one_of(of, "kind", at, KINDS) or "",
            replicas=self._whole(of, "replicas", at),
            containers=tuple(containers),
            pod=self._amounts(of, "pod", at),
            scaler=self.scaler(of["scaler"], f"{at}.scaler") if "scaler" in of else None,
            main=self._text(of, "main", at, _LABEL, optional=True),
            cores=self._number(of, "cores", at, MAX_CORES, above=True),
            max=self._whole(of, "max", at, least=1),
        )

    def container(self, found: Any, at: str) -> Container:
        of = self._object(found, at, _OF_CONTAINER)
        use = Use(
            self._amounts(of, "highest", at),
            self._number(of, "throttled", at, 1.0),
            self._whole(of, "oom_kills", at) or 0,
            self._number(of, "oom_limit", at, MAX_BYTES),
        )
        return Container(
            self._text(of, "name", at, _LABEL) or "",
            self._amounts(of, "requests", at),
            self._amounts(of, "limits", at),
            self._flag(of, "sidecar", at),
            None if use == Use() else use,
        )

    def scaler(self, found: Any, at: str) -> Scaler:
        of = self._object(found, at, _OF_SCALER)
        return Scaler(
            self._one_of(of, "kind", at, SCALERS, optional=False) or "",
            self._text(of, "name", at, _NAME) or "",
            self._whole(of, "min", at),
            self._whole(of, "max", at, least=1),
            self._number(of, "utilisation", at, 100.0, above=True),
        )

    def listed(self, of: Mapping[str, Any], key: str, at: str, most: int) -> list[Any]:
        found = of.get(key, [])
        if isinstance(found, list) and len(found) <= most:
            return found
        self._note(at, key, f"must be a list of at most {most}")
        return []

    def _object(self, found: Any, at: str, keys: Sequence[str]) -> Mapping[str, Any]:
        if not isinstance(found, dict):
            self._note(at, "", "must be an object")
            return {}
        for key in sorted(set(found) - set(keys))[:5]:
            self._note(at, str(key)[:80], f"is unknown; there are {', '.join(keys)}")
        return found

    def _text(
        self, of: Mapping[str, Any], key: str, at: str, form: re.Pattern[str], *, optional: bool = False
    ) -> str | None:
        found = of.get(key)
        if (found is None and optional) or (isinstance(found, str) and form.fullmatch(found)):
            return found
        self._note(at, key, "must be a name as Kubernetes has it: small letters, digits and hyphens")
        return None

    def _one_of(
        self, of: Mapping[str, Any], key: str, at: str, of_these: Sequence[str], *, optional: bool = True
    ) -> str | None:
        found = of.get(key)
        if (found is None and optional) or found in of_these:
            return found
        self._note(at, key, f"must be one of {', '.join(of_these)}")
        return None

    def _amounts(self, of: Mapping[str, Any], key: str, at: str) -> Amounts:
        if key not in of:
            return Amounts()
        where = f"{at}.{key}"
        found = self._object(of[key], where, ("cpu", "memory"))
        cpu, memory = (
            self._number(found, "cpu", where, MAX_CORES),
            self._number(found, "memory", where, MAX_BYTES),
        )
        return Amounts(cpu, memory)

    def _number(
        self, of: Mapping[str, Any], key: str, at: str, most: float, *, above: bool = False
    ) -> float | None:
        found = of.get(key)
        if found is None:
            return None
        plain = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
        if plain and (found > 0 if above else found >= 0) and found <= most:
            return float(found)
        self._note(at, key, f"must be a number {'above' if above else 'from'} 0 up to {most:g}")
        return None

    def _whole(self, of: Mapping[str, Any], key: str, at: str, least: int = 0) -> int | None:
        found = of.get(key)
        if found is None:
            return None
        if isinstance(found, int) and not isinstance(found, bool) and least <= found <= MAX_REPLICAS:
            return found
        self._note(at, key, f"must be a whole number from {least} to {MAX_REPLICAS}")
        return None

    def _flag(self, of: Mapping[str, Any], key: str, at: str) -> bool:
        found = of.get(key, False)
        if isinstance(found, bool):
            return found
        self._note(at, key, "must be true or false")
        return False

    def _note(self, at: str, key: str, what: str) -> None:
        place = ".".join(each for each in (at, key) if each)
        self.wrong.append(f"{self.name}: {place}: {what}")
