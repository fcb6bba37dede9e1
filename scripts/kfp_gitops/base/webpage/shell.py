"""One self-contained HTML file: it asks for nothing, and runs no script but the one that it was given.

A browser holds it to that, by the Content-Security-Policy at its top: styles and script count by their hash alone, so
what a stranger's text smuggled past the escaping would do nothing. Neither `style` attributes nor `on…` handlers work.

page.css is the looks that all pages share: what parts may use is told at its top.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

from markupsafe import Markup

from kfp_gitops.base import visible
from kfp_gitops.base.webpage.parts import filled

_HERE = Path(__file__).parent


def page(title: str, body: Markup, styles: str = "", script: str = "", lang: str = "en") -> str:
    """The file's text; `body` has its landmarks, among them `<main id="main">`, where the skip link goes.

    `styles` come after those of all pages. `styles` and `script` are ours: no text of a stranger may be in them.
    """
    looks = f"{_looks()}\n{styles}".strip()
    values = {"title": title, "body": body, "lang": lang, "policy": _policy(looks, script)}
    whole = filled(_HERE, "page.html", **values, styles=_raw(looks), script=_raw(script))
    return _printable(whole)


@functools.cache
def _looks() -> str:
    return (_HERE / "page.css").read_text("utf-8").strip()


def _policy(styles: str, script: str) -> str:
    scripts = _hash(script) if script else "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src {_hash(styles)}; script-src {scripts}"
    )


def _hash(text: str) -> str:
    """A source of the policy (CSP level 2): the very text between the tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _raw(text: str) -> Markup:
    """A style or a script as it stands; the text must not end its own element."""
    if "</" in text.casefold() or _printable(text) != text:
        raise ValueError("a style or a script of ours holds what would end it, or what a page does not show")
    return Markup(text)  # noqa: S704 -- of this package's own files


def _printable(text: str) -> str:
    """Without what a browser would obey or hide: control characters, bidirectional ones, those of no width."""
    return visible.shown(text).replace("\x1b", "\\u001b")
