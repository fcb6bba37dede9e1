"""A compiled pipeline under another name: its text, of which nothing else changes."""

from __future__ import annotations

import re

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.sources import brought

_AT = ("pipelineInfo", "name")
_SCALAR = re.compile(r"""("[^"]*"|'[^']*'|[^\s,}#]+)""")


def renamed(text: str, path: str, name: str) -> str:
    """The same with the name that it shall have here; line for line, so that places stay what they are.

    Raises:
        InputError: it is no compiled pipeline, or its name is written in more than a line.
    """
    document = brought.read(text, path).spec
    at = document.problem(_AT, "its name is not written in one line", f"write `name: {name}` there yourself")
    lines = text.splitlines(keepends=True)
    line = lines[at.line - 1]
    changed = line[: at.column - 1] + _SCALAR.sub(name, line[at.column - 1 :], count=1)
    result = "".join([*lines[: at.line - 1], changed, *lines[at.line :]])
    if parse_all(result, path)[0].value["pipelineInfo"]["name"] != name:
        raise InputError([at])
    return result
