"""What people say of services: `services: {checkout: {container: app, cores: 0.5, max: 40, kind: Deployment}}`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.bounds import MAX_CORES, MAX_REPLICAS
from predictive_scaling.shapes.nodes import Node, documents
from predictive_scaling.shapes.quantity import quantity
from predictive_scaling.shapes.shape import KINDS

FIELDS = ("container", "cores", "max", "kind")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Said:
    """What was said of one service; None where nothing.

    `container` names the main one, `cores` what a replica serves at full use, `max` the most replicas, `kind` the
    workload's, where two have the name.
    """

    container: str | None = None
    cores: float | None = None
    max: int | None = None
    kind: str | None = None


def said_of(services: Mapping[str, Any] | None) -> dict[str, Said]:
    """What the parameter `services` says, by service; raises InputError with the dotted path of all that is wrong."""
    wrong: list[str] = []
    if not isinstance(services or {}, Mapping):
        raise InputError("services: must be a mapping such as {checkout: {cores: 0.5}}")
    found = {
        str(name): _said(fields, f"services.{name}", wrong)
        for name, fields in sorted((services or {}).items())
    }
    wrong += [f"services.{name[:80]}: not a DNS-1123 label" for name in found if not _LABEL.fullmatch(name)]
    if wrong:
        raise InputError("\n".join(wrong[:20]))
    return found


def read_services(path: str | Path) -> dict[str, Any]:
    """The mapping under `services:` of a YAML file, as the parameter has it; raises InputError with the place."""
    try:
        found = list(documents(Path(path).read_text("utf-8"), str(path)))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8") from error
    services = found[0].at("services") if len(found) == 1 else None
    if services is None or not isinstance(services.value, dict):
        raise InputError(f"{path}:1:1: no services; write services: {{checkout: {{cores: 0.5, max: 40}}}}")
    return {name: _plain(node) for name, node in services.value.items()}


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: _plain(each) for name, each in node.value.items()}
    return [_plain(each) for each in node.value] if isinstance(node.value, list) else node.value


def _said(fields: Any, at: str, wrong: list[str]) -> Said:
    if not isinstance(fields, Mapping):
        wrong.append(f"{at}: must be a mapping with {', '.join(FIELDS)}")
        return Said()
    for name in sorted(set(map(str, fields)) - set(FIELDS)):
        close = get_close_matches(name, FIELDS, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(FIELDS)}"
        wrong.append(f"{at}.{name[:80]}: unknown; {hint}")
    return Said(
        _container(fields.get("container"), f"{at}.container", wrong),
        _cores(fields.get("cores"), f"{at}.cores", wrong),
        _max(fields.get("max"), f"{at}.max", wrong),
        _kind(fields.get("kind"), f"{at}.kind", wrong),
    )


def _container(found: Any, at: str, wrong: list[str]) -> str | None:
    if found is None or (isinstance(found, str) and _LABEL.fullmatch(found)):
        return found
    wrong.append(f"{at}: must be a container's name")
    return None


def _cores(found: Any, at: str, wrong: list[str]) -> float | None:
    """A number or a quantity such as 500m."""
    if found is None:
        return None
    try:
        cores = math.nan if isinstance(found, bool) else quantity(str(found))
    except InputError:
        cores = math.nan
    if 0 < cores <= MAX_CORES:
        return cores
    wrong.append(f"{at}: must be cores above 0, such as 0.5 or 500m")
    return None


def _max(found: Any, at: str, wrong: list[str]) -> int | None:
    """A whole number; KFP hands over 40 as 40.0, and a YAML file as text."""
    if found is None:
        return None
    text = str(found).removesuffix(".0")
    whole = not isinstance(found, bool) and text.isascii() and text.isdigit() and len(text) < 10
    if whole and 1 <= int(text) <= MAX_REPLICAS:
        return int(text)
    wrong.append(f"{at}: must be a whole number from 1 to {MAX_REPLICAS}")
    return None


def _kind(found: Any, at: str, wrong: list[str]) -> str | None:
    if found is None or found in KINDS:
        return None if found is None else str(found)
    wrong.append(f"{at}: must be one of {', '.join(KINDS)}")
    return None
