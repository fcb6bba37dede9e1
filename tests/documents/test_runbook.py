"""The runbook: a page for each alert, an address of it in each rule, and each command of a page followed by a test."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from project import HERE, PROJECT

DOCS = PROJECT / "docs"
RUNBOOK = DOCS / "runbook"
PAGES = sorted(path for path in RUNBOOK.glob("*.md") if path.name != "README.md")
SCALING = DOCS / "scaling-alerts.md"
TYPED = [DOCS / "operations.md", SCALING, RUNBOOK / "README.md", *PAGES]
"""Whose commands somebody types at night, in blocks or within a line."""
WEB = "https://git.example.com/example/kfp-gitops/blob/main/"
MOST_LINES = 60
ALERTS = {
    rule["alert"]: rule["annotations"]["runbook_url"]
    for path in sorted((DOCS / "prometheus").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_a_page_that_is_called_like_it(alert: str) -> None:
    assert ALERTS[alert].startswith(WEB)
    path, _, anchor = ALERTS[alert].removeprefix(WEB).partition("#")
    heading = f"\n## {alert}\n" if anchor else f"# {alert}\n"
    text = f"\n{(PROJECT / path).read_text('utf-8')}"
    assert heading in text
    assert anchor in ("", alert.lower())


def test_a_page_that_is_called_like_an_alert_is_of_one() -> None:
    assert {path.stem for path in PAGES if path.stem.startswith("Kfp")} <= set(ALERTS)


def test_the_index_leads_to_every_page() -> None:
    index = (RUNBOOK / "README.md").read_text("utf-8")
    assert [path.name for path in PAGES if f"]({path.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_what_to_type_and_how_it_ends(page: Path) -> None:
    text = page.read_text("utf-8")
    lines = text.splitlines()
    assert lines[0].startswith("# ") and lines[2] and not lines[2].startswith(("#", "```", "|")), (
        "what it means"
    )
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[-1] == "Afterwards"
    assert {kind for kind, _ in _BLOCK.findall(text)} == {"console"}
    assert len(lines) <= MOST_LINES, "somebody reads it at night"


def _sections() -> list[tuple[str, str]]:
    """Page and section that have commands in blocks."""
    found = []
    for page in [*PAGES, SCALING]:
        name = page.stem if page.parent == RUNBOOK else f"../{page.stem}"
        parts = re.split(r"^## (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)[1:]
        for title, body in zip(parts[::2], parts[1::2], strict=True):
            if any(kind == "console" for kind, _ in _BLOCK.findall(body)):
                found.append((name, title))
    return found


@cache
def _followed() -> set[tuple[str, str]]:
    """What tests/operations follow: each of their calls types all commands of one section, in the page's words."""
    sources = [path.read_text("utf-8") for path in sorted((HERE / "operations").glob("test_*.py"))]
    call = re.compile(r"\.(?:follow|commands)\(\s*\"([^\"]+)\",\s*\"([^\"]+)\"")
    return {found for source in sources for found in call.findall(source)}


@pytest.mark.parametrize(("page", "section"), _sections())
def test_every_command_is_typed_by_a_test(page: str, section: str) -> None:
    assert (page, section) in _followed(), "add a scene to tests/operations"


def test_what_a_test_follows_is_there() -> None:
    assert _followed() <= set(_sections())


def _commands() -> list[tuple[str, str]]:
    """Page and command line of ours, in blocks and within a line."""
    found = []
    for page in TYPED:
        text = page.read_text("utf-8").replace("\\\n", " ")  # a line that goes on
        found += [(page.name, line) for line in re.findall(r"python (scripts/\w+\.py[^`\n]*)", text)]
    return found


@pytest.mark.parametrize("script", sorted({line.split()[0] for _, line in _commands()}))
def test_every_command_of_ours_is_one_that_there_is(script: str) -> None:
    helps: dict[str, str] = {}
    for page, line in _commands():
        name, *words = shlex.split(line, comments=True)
        if name != script:
            continue
        subcommand = "" if words[0].startswith("--") else words[0]
        if subcommand not in helps:
            command = [sys.executable, str(PROJECT / script), *filter(None, [subcommand]), "--help"]
            helps[subcommand] = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"--[\w-]+", helps[subcommand]))
        unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
        assert unknown == [], f"{page}: {line}"
