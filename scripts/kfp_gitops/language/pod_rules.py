"""What Kubernetes takes as a part of a pod: each rule says why it refuses a value, None when it does not. Pure.

The values are JSON-like, as manifests, parameters and the settings of a compiled pipeline have them. What is of another
type than it must be is told elsewhere, and passes here. The rules are those of pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.language import kubernetes_names as names
from kfp_gitops.language import quantity

Rule = Callable[[Any], str | None]

ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_ALONE = "ReadWriteOncePod"
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_SETS, _PRESENCE, _ORDER = ("In", "NotIn"), ("Exists", "DoesNotExist"), ("Gt", "Lt")
_ANNOTATIONS = 256 * 1024
"""Bytes of all keys and values (TotalAnnotationSizeLimitB)."""


def text(rule: names.Rule) -> Rule:
    """The rule for a name, for values of any type."""
    return lambda value: rule(value) if isinstance(value, str) else None


def amount(value: Any) -> str | None:
    """A quantity, 0 or more."""
    return quantity.fault(value) if isinstance(value, str) else None


def size(value: Any) -> str | None:
    """The size of a volume claim: a quantity, more than 0."""
    return quantity.fault(value, positive=True) if isinstance(value, str) else None


def count(value: Any) -> str | None:
    """How many devices: a whole number, 0 or more."""
    if not isinstance(value, str):
        return f"{value} devices" if isinstance(value, int) and value < 0 else None
    found = quantity.parse(value)
    if found is None or found < 0 or found.denominator != 1:
        return f"{value[:60]!r} is no whole number of devices"
    return None


def storage_class(value: Any) -> str | None:
    """Empty, or the name of an object."""
    return names.object_name(value) if isinstance(value, str) and value else None


def access_modes(value: Any) -> str | None:
    """At least one; ReadWriteOncePod alone."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    wrong = [mode for mode in value if mode not in ACCESS_MODES]
    if not value or wrong:
        what = f"{wrong[0]!r} is no access mode" if wrong else "no access mode"
        return f"{what}: {', '.join(ACCESS_MODES)}"
    return f"{_ALONE} stands alone" if _ALONE in value and len(value) > 1 else None


def data_source(value: Any) -> str | None:
    """A claim or a snapshot that fills a new claim (validateDataSource)."""
    if not isinstance(value, Mapping):
        return None
    lacking = [key for key in ("kind", "name") if not value.get(key)]
    if lacking:
        return f"a data source has a {lacking[0]}"
    if not value.get("apiGroup") and value["kind"] != "PersistentVolumeClaim":
        return f"a data source of kind {value['kind']!r} has an apiGroup"
    return None


def label_map(value: Any) -> str | None:
    """Keys and values of labels; those of a node selector, too."""
    return next(_pairs(value, names.label_key, names.label_value), None)


def annotation_map(value: Any) -> str | None:
    """Keys of annotations; and how much they are."""
    found = next(_pairs(value, names.annotation_key, lambda _: None), None)
    if found is None and isinstance(value, Mapping):
        total = sum(len(f"{key}{item}".encode(errors="replace")) for key, item in value.items())
        found = f"{total} bytes of annotations, of at most {_ANNOTATIONS}" if total > _ANNOTATIONS else None
    return found


def _pairs(value: Any, key: names.Rule, item: names.Rule) -> Iterator[str]:
    for name, content in value.items() if isinstance(value, Mapping) else ():
        if found := key(str(name)) or (item(content) if isinstance(content, str) else None):
            yield found


def tolerations(value: Any) -> str | None:
    """One toleration, or a list of them, in the words of Kubernetes (ValidateTolerations)."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return next(filter(None, map(tolerations, value)), None)
    return next(_toleration(value), None) if isinstance(value, Mapping) else None


def _toleration(value: Mapping[str, Any]) -> Iterator[str]:
    key, operator = value.get("key") or "", value.get("operator") or "Equal"
    content, effect = value.get("value") or "", value.get("effect") or ""
    if key and (found := names.label_key(str(key))):
        yield found
    if operator not in ("Equal", "Exists"):
        yield f"{operator!r} is no operator of a toleration: Equal, Exists"
    if not key and operator != "Exists":
        yield "a toleration without key has operator Exists"
    if operator == "Exists" and content:
        yield "operator Exists takes no value"
    elif found := names.label_value(str(content)):
        yield found
    if effect and effect not in _EFFECTS:
        yield f"{effect!r} is no effect of a taint: {', '.join(_EFFECTS)}"
    if value.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield "tolerationSeconds go with effect NoExecute"


def match(value: Any, *, of_fields: bool = False) -> str | None:
    """One expression over the labels (or fields) of a node: {key, operator, values}."""
    if not isinstance(value, Mapping):
        return None
    if not isinstance(value.get("values") or [], list):
        return "its values are no list"
    return next(_field(value) if of_fields else _expression(value), None)


def _expression(value: Mapping[str, Any]) -> Iterator[str]:
    """ValidateNodeSelectorRequirement; Gt and Lt by the scheduler, which compares whole numbers."""
    key, operator, values = str(value.get("key", "")), value.get("operator"), value.get("values") or []
    if operator in _SETS and not values:
        yield f"operator {operator} takes one or more values"
    elif operator in _PRESENCE and values:
        yield f"operator {operator} takes no values"
    elif operator in _ORDER and not (len(values) == 1 and _is_whole(values[0])):
        yield f"operator {operator} takes one value, a whole number"
    elif operator not in (*_SETS, *_PRESENCE, *_ORDER):
        yield f"{operator!r} is no operator: {', '.join((*_SETS, *_PRESENCE, *_ORDER))}"
    found = names.label_key(key) or next(
        filter(None, (names.label_value(str(item)) for item in values if operator in _SETS)), None
    )
    if found:
        yield found


def _field(value: Mapping[str, Any]) -> Iterator[str]:
    """ValidateNodeFieldSelectorRequirement."""
    key, operator, values = value.get("key"), value.get("operator"), value.get("values") or []
    if key != "metadata.name":
        yield f"{key!r} is no field of a node that can be matched: metadata.name"
    if operator not in _SETS:
        yield f"{operator!r} is no operator over fields: {', '.join(_SETS)}"
    elif len(values) != 1:
        yield f"over a field operator {operator} takes one value"
    elif found := names.object_name(str(values[0])):
        yield found


def _is_whole(value: Any) -> bool:
    word = str(value)
    return word.removeprefix("-").isascii() and word.removeprefix("-").isdigit()


def node_affinity(value: Any) -> str | None:
    """A whole NodeAffinity of Kubernetes, as a parameter gives it."""
    if not isinstance(value, Mapping):
        return None
    required = value.get("requiredDuringSchedulingIgnoredDuringExecution")
    terms = list(_maps(required.get("nodeSelectorTerms"))) if isinstance(required, Mapping) else []
    preferred = list(_maps(value.get("preferredDuringSchedulingIgnoredDuringExecution")))
    terms += [term["preference"] for term in preferred if isinstance(term.get("preference"), Mapping)]
    for term in preferred:
        if not isinstance(term.get("weight"), int | float) or not 1 <= term["weight"] <= 100:
            return "a preferred term has a weight from 1 to 100"
    return next(filter(None, map(_term, terms)), None)


def _term(term: Mapping[str, Any]) -> str | None:
    found = [match(one) for one in _maps(term.get("matchExpressions"))]
    found += [match(one, of_fields=True) for one in _maps(term.get("matchFields"))]
    return next(filter(None, found), None)


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()
