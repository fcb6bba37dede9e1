"""The field of a loop's item, as kfp writes it: `parseJson(string_value)["lr"]`."""

from __future__ import annotations

import json
import re

from kfp_gitops.local.localrun.values import InputError, Json, as_text, canonical

_SELECTOR = re.compile(r"""parseJson\(string_value\)((?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])*)""")
_STEP = re.compile(r"""\[("(?:[^"\\]|\\.)*"|\d+)\]""")


def parse(text: str) -> tuple[str | int, ...] | None:
    """The keys that a selector goes down, or None if it is of another form than kfp writes."""
    match = _SELECTOR.fullmatch(text)
    return None if match is None else tuple(json.loads(step) for step in _STEP.findall(match[1]))


def select(value: Json, text: str) -> Json:
    """The selected part. The backend offers every value as JSON text under `string_value`."""
    steps = parse(text)
    if steps is None:
        raise InputError(f"cannot evaluate {text!r}")
    try:
        found = json.loads(as_text(value))
        for step in steps:
            found = found[step]
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{text!r} finds nothing in {as_text(value)[:200]!r}") from error
    return canonical(found)
