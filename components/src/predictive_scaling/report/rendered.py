"""The pages' templates, filled: every value is escaped as it is put in."""

from __future__ import annotations

import functools
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from predictive_scaling.base.amounts import number, share

MAX_BYTES = 1_000_000
"""Of a page: KFP puts it into an attribute of its own."""


@functools.cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"number": number, "share": share}
    return found


def rendered(name: str, **values: object) -> Markup:
    """A template beside this module with its values."""
    return Markup(_templates().get_template(name).render(values))  # noqa: S704 -- the template escapes


def figure(svg: str, caption: str) -> Markup:
    """The drawing goes in from its first attribute on, for the template names it in its own element."""
    drawing = Markup(svg.removeprefix("<svg"))  # noqa: S704 -- drawing escapes what it writes
    return rendered("figure.html", caption=caption, drawing=drawing)
