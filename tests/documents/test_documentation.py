"""Links of the pages lead somewhere: files of this repository, and headings in them. Nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from project import PROJECT

PAGES = sorted(
    [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"), *(PROJECT / ".github").rglob("*.md")]
)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)|^\[[^\]\n]+\]: (\S+)$", re.MULTILINE)
_CODE = re.compile(r"^(```+|~~~+).*?^\1[ ]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """What GitHub makes of headings: lower case, punctuation dropped, spaces as `-`, repeated ones numbered."""
    text = re.sub(r"^(```+).*?^\1[ ]*$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*?)[ #]*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 1
        anchor = name
        while anchor in found:
            anchor, number = f"{name}-{number}", number + 1
        found.add(anchor)
    return found


def _dead(page: Path) -> list[str]:
    links = [a or b for a, b in _LINK.findall(_CODE.sub("", page.read_text("utf-8")))]
    dead = []
    for link in (link for link in links if not re.match(r"[a-z]+:", link)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert _dead(page) == []


def test_a_dead_link_and_a_dead_anchor_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# The top: `x`\n[ok](#the-top-x) [ok](page.md#the-top-x) [web](https://example.com/x)\n"
        "`[code](nowhere.md)`\n\n[dead](gone.md) [dead](#no-heading)\n"
    )
    assert _dead(page) == ["gone.md", "#no-heading"]
