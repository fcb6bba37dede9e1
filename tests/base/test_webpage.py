"""The shell of pages: what it lets in, what it holds a browser to, and how it looks to those who see little."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from kfp_gitops.base.webpage import parts, shell
from markupsafe import Markup
from project import ROOT
from selenium.webdriver.common.keys import Keys
from servers.browser import Browser

HOSTILE = "</title><script>window.obeyed = 1</script><img src=x onerror='window.obeyed = 1'>\u202e\x1b[2J"
BODY = Markup(
    """<header><h1>{name}</h1></header>
<nav aria-label="contents"><a href="#far">far</a></nav>
<main id="main" tabindex="-1">
<p><span class="tag good">good</span> <span class="tag bad">bad</span> <span class="tag warn">warn</span>
<span class="tag info">info</span> <span class="tag">plain</span> <span class="muted">muted</span>
<code>{name}</code></p>
<p class="note bad">bad <a href="#far">far</a></p> <p class="note warn">warn</p> <p class="note good">good</p>
<p class="note info">info</p>
<div class="card"><button>do</button> <a href="#far">far</a> <span class="muted">m</span></div>
<details><summary>more</summary><pre tabindex="0">{name}</pre></details>
<div class="scroll" tabindex="0" role="region" aria-label="wide">
<table><caption>wide</caption><thead><tr>{head}</tr></thead>
<tbody><tr>{cells}</tr></tbody></table></div><h2 id="far">far</h2><p onclick="window.obeyed = 1">text</p>
<script>window.obeyed = 1</script><p style="color: red">text</p></main>"""
).format(
    name=HOSTILE,
    head=Markup("<th scope='col'>number</th>") * 12,
    cells=Markup("<td class='n'>1,234,567,890</td>") * 12,
)
SCRIPT = "document.documentElement.dataset.ran = '1';"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


def _file(folder: Path, body: Markup = BODY, script: str = SCRIPT) -> Path:
    place = folder / "page.html"
    place.write_text(shell.page(HOSTILE, body, ".own { color: var(--bad); }", script), "utf-8")
    return place


def test_nothing_runs_but_the_script_that_the_page_was_given(browser: Browser, tmp_path: Path) -> None:
    browser.open(place := _file(tmp_path), "light")
    assert browser.script("document.documentElement.dataset.ran") == "1"
    browser.script("document.querySelector('p[onclick]').click()")
    assert browser.script("window.obeyed === undefined")
    assert browser.script("getComputedStyle(document.querySelector('p[style]')).color") == "rgb(27, 31, 36)"
    assert browser.script("document.images.length") == 0
    assert browser.requests() == [place.as_uri()]
    # The body above holds what the policy forbids, and the browser says so of each; of nothing else.
    assert all("Content Security Policy" in message for message in browser.messages())


def test_a_page_without_a_script_lets_none_in() -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.+?)"', shell.page("t", Markup("")))
    assert policy and policy[1].endswith("script-src &#39;none&#39;")


def test_characters_that_hide_or_reorder_text_are_written_out() -> None:
    page = shell.page(HOSTILE, Markup("<p>{}</p>").format(HOSTILE))
    assert "\u202e" not in page and "\x1b" not in page
    assert page.count("\\u202e\\u001b[2J") == 2
    assert page.count("&lt;script&gt;") == 2


@pytest.mark.parametrize("ours", ["p { } </style>", "'\u202e'", "let text = '</SCRIPT>'"])
def test_a_style_that_would_end_its_element_is_a_failure(ours: str) -> None:
    with pytest.raises(ValueError, match="would end it"):
        shell.page("t", Markup(""), styles=ours)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_for_everybody(scheme: str, width: int, browser: Browser, tmp_path: Path) -> None:
    body = Markup(str(BODY).replace("<details>", "<details open>"))
    browser.resize(width)
    browser.open(_file(tmp_path, body), scheme)
    assert browser.axe() == []
    assert browser.script("document.documentElement.scrollWidth") <= width
    ground = browser.script("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 20, 24)"}[scheme]


def test_axe_would_find_it(browser: Browser, tmp_path: Path) -> None:
    bad = Markup(
        "<main id='main'><h1>x</h1><button></button><p><span class='own faint'>text</span></p></main>"
    )
    place = tmp_path / "page.html"
    place.write_text(shell.page("t", bad, ".faint { color: #eeeeee; background: #ffffff; }"), "utf-8")
    browser.open(place, "light")
    assert {found.rule for found in browser.axe()} == {"button-name", "color-contrast"}


def test_the_first_key_leads_to_the_skip_link_and_it_to_the_content(browser: Browser, tmp_path: Path) -> None:
    browser.resize(1280)
    browser.open(_file(tmp_path), "light")
    browser.press(Keys.TAB)
    assert browser.script("document.activeElement.className") == "skip"
    assert browser.script("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press(Keys.ENTER)
    assert browser.script("document.activeElement.id") == "main"


def test_a_template_s_values_are_escaped_and_one_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p title="{{ x }}">{{ y }}</p>', "utf-8")
    filled = parts.filled(tmp_path, "a.html", x="\"'><script>", y=Markup("<b>"))
    assert filled == '<p title="&#34;&#39;&gt;&lt;script&gt;"><b></p>'
    with pytest.raises(jinja2.UndefinedError):
        parts.filled(tmp_path, "a.html", x="x")


def test_parts_that_do_not_fit_are_left_out_and_counted() -> None:
    kept, left_out = parts.fitting([Markup("aaaa"), Markup("ääää"), Markup("bb")], 6)
    assert (kept, left_out) == (["aaaa", "bb"], 1)


def test_a_wheel_has_every_file_of_the_package() -> None:
    package = ROOT / "scripts/kfp_gitops"
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in files if path.suffix != ".py"} == {
        path for pattern in patterns["kfp_gitops"] for path in package.glob(pattern)
    }
