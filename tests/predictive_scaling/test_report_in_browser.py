"""Both pages as Chromium shows them: wide and narrow, light and dark, alone and in KFP's iframe."""

import pytest
from markupsafe import escape
from predictive_scaling.report.actions import page as report_of
from predictive_scaling.report.origin import Origin, inside
from report_kit import HOSTILE, data, html_report
from servers.browser import Browser
from test_actions_page import SHAPE, _document


@pytest.fixture(scope="module")
def browser():
    found = Browser()
    yield found
    found.close()


@pytest.fixture(scope="module")
def judgement():
    return html_report(data(name=HOSTILE))


@pytest.fixture(scope="module")
def page(tmp_path_factory, judgement):
    path = tmp_path_factory.mktemp("judgement") / "judgement.html"
    path.write_text(judgement, "utf-8")
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory, judgement):
    """The whole report, in which every name and reason is a stranger's."""
    reason = {"unit": "bytes", "source": "fallback", "request": 7e8, "p90": 6e8, "reason": HOSTILE}
    made = _document(service=HOSTILE, container=HOSTILE, memory=reason, censored={})
    made["run_id"] = made["namespace"] = made["reason"] = HOSTILE
    ordinary = _document()["services"][0]
    made["services"] += [ordinary, ordinary | {"service": "a-name-that-is-as-long-as-it-may-be" * 7}]
    origin = Origin(HOSTILE, HOSTILE, judged=inside(judgement))
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_of(made, [SHAPE], origin=origin), "utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_read_on_any_screen_logs_nothing_asks_for_nothing_and_runs_no_stranger_s_text(
    browser, report, tmp_path, scheme, width
):
    browser.resize(width)
    browser.open(report, scheme)
    assert browser.script("document.documentElement.scrollWidth") <= width
    assert browser.messages() == []
    assert browser.requests() == [report.as_uri()]
    assert browser.script("document.images.length") == 0
    assert browser.script(SMALLEST) >= 10
    assert browser.axe() == []
    browser.picture(tmp_path / f"{scheme}-{width}.png")


SMALLEST = """(() => {
  const scale = each => { const found = each.getScreenCTM(); return Math.hypot(found.a, found.b); };
  const drawn = [...document.querySelectorAll("svg text")].map(each => 9 * scale(each));
  const said = [...document.querySelectorAll("th,td,p,dd,figcaption")];
  return Math.min(...drawn, ...said.map(each => parseFloat(getComputedStyle(each).fontSize)));
})()"""
"""Points of the smallest letters; those of a drawing are scaled with it."""


def test_a_narrow_screen_shows_a_line_as_a_card_with_its_labels(browser, report):
    browser.resize(390)
    browser.open(report, "light")
    row = "document.querySelectorAll('.lines tbody tr')[4]"
    assert browser.script(f"getComputedStyle({row}.cells[2], '::before').content") == '"today: "'
    assert browser.script(f"getComputedStyle({row}).display") == "block"
    assert browser.script("getComputedStyle(document.querySelector('.lines thead')).display") == "none"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_judgement_alone_is_as_easy_to_read(browser, page, width):
    browser.resize(width)
    browser.open(page, "dark")
    assert browser.script("document.documentElement.scrollWidth") <= width
    assert browser.axe() == []


def looks(browser):
    """Background and ink of the page and of the last chart, as painted."""
    line = "figure:last-of-type svg path[style*='stroke: var(--ink)']"
    return browser.script(
        f"""[getComputedStyle(document.documentElement).backgroundColor,
            getComputedStyle(document.querySelector("h1")).color,
            getComputedStyle(document.querySelector("{line}")).stroke]"""
    )


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("light", ["rgb(255, 255, 255)", "rgb(27, 31, 36)", "rgb(27, 31, 36)"]),
        ("dark", ["rgb(13, 17, 23)", "rgb(230, 237, 243)", "rgb(230, 237, 243)"]),
    ],
)
def test_page_follows_the_colour_scheme_logs_nothing_and_asks_for_nothing(
    browser, page, tmp_path, scheme, expected
):
    browser.resize(1100)
    browser.open(page, scheme)
    assert looks(browser) == expected
    browser.screenshot(tmp_path / f"{scheme}.png")
    assert (tmp_path / f"{scheme}.png").stat().st_size > 20_000
    assert browser.messages() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.script("document.images.length") == 0
    assert browser.script("document.documentElement.scrollWidth <= window.innerWidth") is True


def test_page_stands_in_the_iframe_of_kfp(browser, page, tmp_path):
    """KFP's viewer: an iframe with srcdoc and sandbox="allow-scripts", so without an origin."""
    outer = tmp_path / "outer.html"
    inner = str(escape(page.read_text()))
    frame = f'<iframe sandbox="allow-scripts" width=1000 height=800 srcdoc="{inner}"></iframe>'
    outer.write_text(f"<!doctype html><title>KFP</title>{frame}")
    browser.open(outer, "light")
    browser.driver.switch_to.frame(0)
    try:
        assert browser.script("document.querySelector('h1').textContent") == "Forecasts, judged"
        assert browser.script("window.origin") == "null"
        assert browser.script("document.querySelectorAll('svg').length") == 2
        heights = "[...document.querySelectorAll('svg')].map(each => each.getBoundingClientRect().height)"
        assert min(browser.script(heights)) > 100
    finally:
        browser.driver.switch_to.default_content()
    assert browser.messages() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "about:"))] == []


def test_browser_would_tell_of_an_error_and_of_a_request(browser, tmp_path):
    """A control: what the tests above rule out is seen when it is there."""
    path = tmp_path / "bad.html"
    path.write_text('<!doctype html><img src="http://127.0.0.1:9/x.png"><script>undefinedFunction()</script>')
    browser.open(path, "light")
    assert any("undefinedFunction" in message for message in browser.messages())
    assert "http://127.0.0.1:9/x.png" in browser.requests()
