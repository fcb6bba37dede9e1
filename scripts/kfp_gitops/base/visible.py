"""A stranger's text as it is: what a terminal or a browser would obey or hide is written as its JSON escape.

Control characters move a terminal's cursor, bidirectional ones reorder a line (CVE-2021-42574), and those of no
width make two names look the same.
"""

from __future__ import annotations

import json
import re

_CODES = (
    "\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff"
)
# Line break and tab lay a text out; of the escape sequences only the colours that this project writes are left.
_COLOUR = "\x1b\\[(?:0|1;31|2|3[1-3])m"
_COLOURS = {"+": "32", "-": "31", "~": "33", "!": "1;31", "=": "2"}
_OBEYED = re.compile(f"(?!{_COLOUR})[\x00-\x08\x0b-\x1f{_CODES}]")
HIDDEN = re.compile(f"[{_CODES}]")


def shown(text: str) -> str:
    """The text for a terminal, a log, a comment; JSON stays the same JSON."""
    if text.isascii() and text.isprintable():
        return text
    return _OBEYED.sub(lambda found: _escape(found[0]), text)


def line(text: str) -> str:
    """The text as a part of one line: whatever is no letter, mark or plain space is written as its JSON escape."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def row(text: str) -> str:
    """The text as a whole line, laid out by the tabs in it."""
    return "\t".join(map(line, text.split("\t")))


def coloured(line: str) -> str:
    """A line of a diff or a plan in the colour of the sign that it begins with."""
    colour = _COLOURS.get(line.lstrip()[:1])
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def _escape(character: str) -> str:
    # JSON leaves DEL as it is.
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
