"""What Go's YAML readers take a plain scalar for: KFP (yaml.v3), kubectl and Argo CD (sigs.k8s.io/yaml, on yaml.v2).

Read from `resolve.go` of gopkg.in/yaml.v3 v3.0.1 and go.yaml.in/yaml/v2 v2.4.2 (what sigs.k8s.io/yaml 1.6 uses), and
strconv and time of Go 1.26. It says «number» or «time» of a few more than they do: of those that are out of range or
in no calendar, where none of their neighbours would be a text either. Pure.
"""

from __future__ import annotations

import re

WORDS = {
    **dict.fromkeys(("~", "null", "Null", "NULL", ""), "null"),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), "true or false"),
    # yaml.v2 alone; yaml.v3 only where its target is a bool.
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), "true"),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), "false"),
    **dict.fromkeys((f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")), "a number"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "a number"),
}  # fmt: skip
_SIGNED = frozenset("+-.0123456789")
FIRST = _SIGNED | frozenset(word[0] for word in WORDS if word)
"""What everything begins with that is no text."""

# Once every underscore is gone, wherever it stood: strconv.ParseInt with base 0, yaml's own pattern of a float, and
# what follows 0b or 0o by strconv.ParseInt again, which takes a sign there.
_NUMBER = re.compile(
    r"[-+]?0[xX][0-9a-fA-F]+|[-+]?0[bB][01]+|[-+]?0[oO][0-7]+|0b[-+][01]+|0o[-+][0-7]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
# time.Parse takes one digit or two, a comma for a point, and any run of blanks for one.
_CLOCK = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?"
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    rf"(?:[Tt]{_CLOCK}(?:Z|[-+][0-9]{{2}}:[0-9]{{2}})| +{_CLOCK})?"
)


def reading(text: str) -> str:
    """What a plain scalar is to a Go reader, in words: `null`, `true`, `a number`, …; empty for a text."""
    if text and text[0] not in FIRST:
        return ""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _SIGNED:
        return ""
    if _NUMBER.fullmatch(text.replace("_", "")):
        return "a number"
    return "a time" if _TIME.fullmatch(text) else ""
