"""PromQL that gives a load: one expression for all services, or one for each, checked before a server is asked.

An expression comes from values, and is asked of a server that others use too. So it is short, closed, of the instant
that is asked for and an hour before it at most, and where it is for all services it says by which label they differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.checks import LOADS
from predictive_scaling.usage.columns import LONG_SECONDS, Column, over
from predictive_scaling.usage.expressions import RATE_SECONDS

MAX_LENGTH, MAX_OWN = 1000, 200
MAX_RANGE_SECONDS = 3600
_KEYS = ("kind", "expression", "label", "services")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
# Prometheus also reads numbers as seconds, and [1d * 2]: what this does not read must not pass as short.
_RANGE = re.compile(r"\s*(\d+(ms|[smhdwy]))+\s*(:\s*((\d+(ms|[smhdwy]))+\s*)?)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Asked:
    """An expression, and the column of load that it gives."""

    expression: str
    kind: str = LOADS[0]


@dataclass(frozen=True)
class LoadQuery:
    """What gives a load: `everywhere` for all services, told apart by `label`, and those of `services` instead."""

    everywhere: Asked | None = None
    label: str = "service"
    services: Mapping[str, Asked] = field(default_factory=dict)

    def columns(self, namespace: str, seconds: int, *, at_end: bool) -> list[Column]:
        """What to ask in steps of so many seconds; series of other namespaces, where they say theirs, are left out."""
        shared = Column("", "", self.label, at_end=at_end, lookback=RATE_SECONDS, namespace=namespace)
        found = (
            [(self.everywhere, replace(shared, but=tuple(sorted(self.services))))] if self.everywhere else []
        )
        found += [(asked, replace(shared, service=name)) for name, asked in sorted(self.services.items())]
        return [
            replace(column, name=asked.kind, expression=_mean(asked.expression, seconds))
            for asked, column in found
        ]


def _mean(expression: str, seconds: int) -> str:
    return expression if seconds < LONG_SECONDS else over("avg", expression, seconds)


def read(given: Mapping[str, object]) -> LoadQuery:
    """From values such as {kind: requests, expression: …, label: service, services: {mailer: {expression: …}}}.

    Raises InputError with every fault.
    """
    faults: list[str] = []
    if unknown := sorted(set(map(str, given)) - set(_KEYS)):
        faults.append(f"load.{unknown[0]}: unknown; there is {', '.join(_KEYS)}")
    kind, label = str(given.get("kind") or LOADS[0]), str(given.get("label") or "service")
    faults += [] if _LABEL.fullmatch(label) else ["load.label: must be a label's name, such as service"]
    own = given.get("services") or {}
    if not isinstance(own, Mapping) or len(own) > MAX_OWN:
        raise InputError(f"load.services: must be a mapping of at most {MAX_OWN} services")
    everywhere = None
    if given.get("expression") is not None:
        everywhere = _asked("load", {"expression": given["expression"], "kind": kind}, kind, faults)
        faults += [] if _by(everywhere.expression, label) else [_unlabelled(label)]
    services = {str(name): _asked(f"load.services.{name}", each, kind, faults) for name, each in own.items()}
    faults += [
        f"load.services.{name}: is no service's name" for name in services if not _NAME.fullmatch(name)
    ]
    if faults:
        raise InputError("; ".join(faults))
    return LoadQuery(everywhere, label, services)


def _asked(at: str, given: object, kind: str, faults: list[str]) -> Asked:
    found = given if isinstance(given, Mapping) else {"expression": given}
    if unknown := sorted(set(map(str, found)) - {"expression", "kind"}):
        faults.append(f"{at}.{unknown[0]}: unknown; there is expression, kind")
    own = str(found.get("kind") or kind)
    if own not in LOADS:
        faults.append(f"{at}.kind: must be {' or '.join(LOADS)}")
    expression = found.get("expression")
    if not isinstance(expression, str):
        faults.append(
            f"{at}.expression: must be PromQL, such as sum by (service) (rate(http_requests_total[5m]))"
        )
        return Asked("", own)
    faults += [f"{at}.expression: {fault}" for fault in _faults(expression.strip())]
    return Asked(expression.strip(), own)


def _unlabelled(label: str) -> str:
    return f"load.expression: must say which services, as in sum by ({label}) (…); or name their label by load.label"


def _faults(expression: str) -> Iterator[str]:
    if not 0 < len(expression) <= MAX_LENGTH:
        yield f"must have 1 to {MAX_LENGTH} characters"
        return
    if not all(each.isprintable() or each == "\n" for each in expression):
        yield "has characters that cannot be printed"
    bare = _QUOTED.sub('""', expression)
    if re.search(r"[\"'`#]", bare.replace('""', "")) or not _closed(bare):
        yield "has a quote, a bracket or a comment that does not end in it"
    if "@" in bare or re.search(r"\boffset\b", bare, re.IGNORECASE):
        yield "asks for another time than that of the row: leave @ and offset out"
    ranges = re.findall(r"\[([^\]]*)\]", bare)
    if not all(_RANGE.fullmatch(each) for each in ranges):
        yield "has a range that is not written as [5m] or [30m:1m]"
    elif _looks_back(ranges) > MAX_RANGE_SECONDS:
        yield "looks back for more than an hour"


def _looks_back(ranges: Iterable[str]) -> float:
    """The most seconds that ranges can reach back: subqueries may stand within one another, so theirs add up."""
    plain, within = [0.0], 0.0
    for text in ranges:
        first, colon, step = text.partition(":")
        within += _seconds(first) if colon else 0.0
        plain.append(_seconds(step if colon else first))
    return within + max(plain)


def _closed(bare: str) -> bool:
    opened: list[str] = []
    for each in bare:
        if each in _PAIRS.values():
            opened.append(each)
        elif each in _PAIRS and (not opened or opened.pop() != _PAIRS[each]):
            return False
    return not opened


def _seconds(duration: str) -> float:
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))


def _by(expression: str, label: str) -> bool:
    """Whether an expression is aggregated by a label, so that there is one series for each service."""
    bare = _QUOTED.sub('""', expression)
    groups = re.findall(r"\bby\s*\(([^)]*)\)", bare, re.IGNORECASE)
    return any(label in {each.strip() for each in group.split(",")} for group in groups)
