"""Parts of a page: templates that lie beside the module that fills them, and how many of them there is room for."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

MAX_BYTES = 1_000_000
"""Of a page, unless whoever makes it knows better: a browser opens it at once, and a mail takes it."""


def filled(folder: Path, template: str, /, **values: object) -> Markup:
    """A template of `folder` with its values: each is escaped as it is put in, and a missing one is a failure."""
    return Markup(_templates(folder).get_template(template).render(values))  # noqa: S704 -- the template escapes


def fitting(parts: Iterable[Markup], room: int) -> tuple[list[Markup], int]:
    """Those that fit `room` bytes (UTF-8), in their order, and how many are left out.

    One that is too large is left out alone: a smaller one after it may fit still.
    """
    kept: list[Markup] = []
    left_out = 0
    for part in parts:
        size = len(part.encode())
        if size > room:
            left_out += 1
            continue
        kept.append(part)
        room -= size
    return kept, left_out


@functools.cache
def _templates(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
