"""axe-core: what a page has that keeps people out who read it by ear, by keyboard, or with weak eyes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servers import npm

if TYPE_CHECKING:
    from servers.browser import Browser

VERSION = "4.14.1"
_INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
  found => done(found.violations.map(each => ({
    rule: each.id, impact: each.impact, help: each.help, places: each.nodes.map(node => node.html.slice(0, 300)),
  }))),
  error => done(String(error)),
);
"""


@dataclass(frozen=True)
class Finding:
    """A rule of axe-core that a page breaks, and the elements that break it."""

    rule: str
    impact: str
    help: str
    places: tuple[str, ...]


def script() -> Path:
    """axe-core's own script; a skip without npm, a failure in CI."""
    return npm.kept("axe-core", VERSION, _INTEGRITY, "package/axe.min.js")


def findings(browser: Browser, impacts: tuple[str, ...] = ("serious", "critical")) -> list[Finding]:
    """What it finds in the page that is open, of these impacts."""
    if not browser.script("typeof axe === 'object'"):
        browser.driver.execute_script(script().read_text("utf-8"))
    found = browser.driver.execute_async_script(_RUN)
    assert isinstance(found, list), found
    every = [Finding(one["rule"], one["impact"], one["help"], tuple(one["places"])) for one in found]
    return [one for one in every if one.impact in impacts]
