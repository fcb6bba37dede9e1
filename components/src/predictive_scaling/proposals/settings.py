"""What people say of a tree: its form of memory patches, and when a value may be lowered. `proposal.yaml` in the tree:

form: vpa
allowLower: 20%
holdOff: 14d
raiseMaximum: false
services:
  checkout: {form: template}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches

from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.yamltext import Seen, composed

FILE = "proposal.yaml"
FORMS = ("template", "vpa", "pod")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Wishes:
    """How a service's memory is patched, by how much less is lowered after how long (None: never), and whether the most
    replicas are raised to what some hour wants."""

    form: str = "template"
    allow_lower: float | None = None
    hold_off: timedelta = timedelta(days=14)
    raise_maximum: bool = False


USUAL = Wishes()


@dataclass(frozen=True)
class Settings:
    """Wishes for all services, and for some."""

    all: Wishes = USUAL
    services: Mapping[str, Wishes] = field(default_factory=dict)

    def of(self, service: str) -> Wishes:
        """The wishes for a service."""
        return self.services.get(service, self.all)


def settings(text: str, given: Mapping[str, str]) -> Settings:
    """From the file's text and what the command line gave, which counts. Raises InputError, every fault at once."""
    found = composed(FILE, text) if text.strip() else []
    root = found[0] if found else None
    faults: list[str] = []
    every = _wishes(USUAL, root, faults, ("services",))
    named = root.at("services") if root else None
    services = {
        name: _given(_wishes(every, each, faults), given, faults)
        for name, each in (named.pairs() if named else [])
    }
    result = Settings(_given(every, given, faults), services)
    if faults:
        raise InputError("\n".join(faults))
    return result


_KEYS = {"form": "form", "allowLower": "allow_lower", "holdOff": "hold_off", "raiseMaximum": "raise_maximum"}


def _wishes(base: Wishes, seen: Seen | None, faults: list[str], more: tuple[str, ...] = ()) -> Wishes:
    for key, value in seen.pairs() if seen else []:
        if key in more:
            continue
        if key not in _KEYS:
            close = get_close_matches(key, [*_KEYS, *more], 1)
            hint = f"did you mean {close[0]}?" if close else f"write {', '.join(_KEYS)}"
            faults.append(f"{value.place}: {key} is no setting; {hint}")
            continue
        base = _with(base, key, value.text or "", value.place, faults)
    return base


def _given(base: Wishes, given: Mapping[str, str], faults: list[str]) -> Wishes:
    for key, text in given.items():
        if text:
            base = _with(base, key, text, "--" + re.sub(r"([A-Z])", r"-\1", key).lower(), faults)
    return base


def _with(base: Wishes, key: str, text: str, place: str, faults: list[str]) -> Wishes:
    if key == "form":
        if text in FORMS:
            return replace(base, form=text)
        faults.append(f"{place}: form is {text!r}; write {', '.join(FORMS[:-1])} or {FORMS[-1]}")
    elif key == "raiseMaximum":
        if text in {"true", "false"}:
            return replace(base, raise_maximum=text == "true")
        faults.append(f"{place}: raiseMaximum is {text!r}; write true or false")
    elif key == "allowLower":
        found = re.fullmatch(r"(\d{1,2})%", text)
        if found or text in {"never", "false"}:
            return replace(base, allow_lower=int(found[1]) / 100 if found else None)
        faults.append(
            f"{place}: allowLower is {text!r}; write the share that is too much, such as 20%, or never"
        )
    else:
        found = re.fullmatch(r"(\d{1,4})([hdw])", text)
        if found and int(found[1]):
            return replace(base, hold_off=timedelta(**{_UNITS[found[2]]: int(found[1])}))
        faults.append(f"{place}: holdOff is {text!r}; write such as 14d")
    return base
