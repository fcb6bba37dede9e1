"""What stands in a tree of floors, as YAML has it: people may have written it in another form, or with remarks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from predictive_scaling.base.errors import InputError

MEBI = 2**20
# Kubernetes' suffixes of quantities, those of a memory request (apimachinery, pkg/api/resource/quantity.go).
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

_LIMIT = 2**63  # no quantity of Kubernetes is larger


def replicas(path: str, text: str) -> int:
    """minReplicas of a HorizontalPodAutoscaler; 0 where there is none. Raises InputError."""
    found = _at(_read(path, text), "spec", "minReplicas")
    try:
        return int(found or 0)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: spec.minReplicas is {found!r}; write a whole number") from error


def memory(path: str, text: str, container: str) -> int:
    """Memory request of a Deployment's container in MiB, rounded up; 0 where there is none. Raises InputError."""
    listed = _at(_read(path, text), "spec", "template", "spec", "containers")
    own = [each for each in listed if _at(each, "name") == container] if isinstance(listed, list) else []
    found = [_at(each, "resources", "requests", "memory") for each in own]
    try:
        return max((math.ceil(_bytes(str(each)) / MEBI) for each in found if each), default=0)
    except (ValueError, ArithmeticError) as error:
        raise InputError(
            f"{path}: the memory request of {container} is no quantity; write such as 512Mi"
        ) from error


def _read(path: str, text: str) -> Any:
    """Scalars as texts: what a value may be is said above, and no reader's guess counts."""
    try:
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 -- builds texts, lists and mappings alone
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise InputError(f"{at}: this is no YAML: {error.problem}; mend it, or delete the file") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: this is no YAML that can be read; mend it, or delete the file") from error


def _at(node: Any, *names: str) -> Any:
    for name in names:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def _bytes(quantity: str) -> Decimal:
    unit = next((each for each in _UNITS if quantity.endswith(each)), "")
    found = Decimal(quantity.removesuffix(unit)) * _UNITS.get(unit, 1)
    if not 0 <= found < _LIMIT:
        raise ValueError(quantity)
    return found
