"""The status page in headless Chromium: what it shows, asks for and obeys; by keyboard, by ear, and without script."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from board_kit import HOSTILE, HOUR, board, everything, pipeline, seen
from kfp_gitops.operate.statuspage import page
from kfp_gitops.operate.statuspage.records import Board, Environment
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from servers.browser import Browser

PICTURES = os.environ.get("STATUS_PAGE_PICTURES")
"""A folder in which to leave what the page looks like."""
_SHOWN = "[...document.querySelectorAll('#rows tbody tr')].filter(row => row.offsetParent !== null).length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


def _file(folder: Path, found: Board) -> Path:
    path = folder / "index.html"
    path.write_text(page.to_html(found), "utf-8")
    return path


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_asks_for_nothing_obeys_nobody_and_is_for_everybody(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    browser.resize(width)
    browser.open(path := _file(tmp_path, everything()), scheme)
    assert browser.messages() == []
    assert [url for url in browser.requests() if url != path.as_uri() and not url.startswith("data:")] == []
    assert browser.script("window.obeyed === undefined")
    assert browser.script("document.documentElement.scrollWidth") == width
    assert browser.axe() == []
    assert browser.driver.find_elements(By.CSS_SELECTOR, "img") == []
    assert "<img src=x onerror='window.obeyed = 1'>\"&{{ 7 * 7 }}" in browser.script(
        "document.body.innerText"
    )
    if PICTURES:
        browser.picture(Path(PICTURES) / f"{width}-{scheme}.png")


def test_on_a_phone_nothing_that_is_empty_has_a_label(browser: Browser, tmp_path: Path) -> None:
    browser.resize(390)
    bare = [pipeline(1, "dev", schedules=(), runs=(), promise=None)]
    found = replace(board(0), environments=(Environment("dev", seen(bare)),))
    browser.open(_file(tmp_path, found), "light")
    shown = (
        "[...document.querySelectorAll('#rows td')].filter(cell => getComputedStyle(cell).display !== 'none')"
    )
    assert browser.script(f"{shown}.map(cell => cell.innerText.split('\\n')[0])") == [
        "dev",
        "ok",
        "sha-000000000001",
        "000000000000",
    ]


def test_what_is_told_stands_in_the_page_without_script(tmp_path: Path) -> None:
    text = re.sub(
        r"<script>.*</script>", "", _file(tmp_path, everything()).read_text("utf-8"), flags=re.DOTALL
    )
    for told in (
        "Could not be looked at since", "no answer within 5 s", "never seen", "turned off",
        "KFP&#39;s database is another one",
        "waits: abababababab of dev since 2026-11-29", "last 11-29 13:07; 2 held back; 3 made up",
            "once s3://bucket/key changes (off)",
        "fresh never of 60m", "took 2h", "not registered", "paused until 2026-11-29 23:07", "churn · team-growth",
        "Waits: brand-new", "not known where this was made", "next 11-30 01:01",
    ):  # fmt: skip
        assert told in text, told
    assert '<form id="filter" class="bar" hidden' in text
    assert 'aria-label="the newest last: 9 succeeded, 1 failed"' in text
    run = f"{3:08d}-0000-4000-8000-{0:012d}"
    assert f'<a href="https://kfp.example.com/#/runs/details/{run}">11-29 14:07</a>' in text
    assert HOSTILE not in text


def test_rows_are_found_by_name_team_environment_and_need_with_the_keyboard_alone(
    browser: Browser, tmp_path: Path
) -> None:
    browser.resize(1280)
    browser.open(_file(tmp_path, board(30)), "light")
    assert browser.script(_SHOWN) == 60
    browser.driver.find_element(By.ID, "name").send_keys("customer-001")
    assert browser.script(_SHOWN) == 20
    browser.press(Keys.TAB, "g")
    assert browser.script("document.getElementById('team').value") == "growth"
    assert browser.script("document.getElementById('shown').value") == "8 of 60 rows"
    browser.press(Keys.TAB, "p")
    assert browser.script(_SHOWN) == 4
    browser.press(Keys.TAB, Keys.SPACE)
    assert browser.script("document.getElementById('shown').value") == "1 of 60 rows"
    assert browser.script("location.hash") == "#name=customer-001&team=growth&env=prod&needs=1"
    browser.press(Keys.TAB, Keys.ENTER)
    WebDriverWait(browser.driver, 10).until(lambda _: browser.script(_SHOWN) == 60)


def test_a_filter_stays_when_the_page_is_loaded_anew(browser: Browser, tmp_path: Path) -> None:
    browser.resize(1280)
    browser.open(_file(tmp_path, board(30)), "light")
    browser.driver.find_element(By.ID, "name").send_keys("0003")
    browser.driver.refresh()
    assert browser.script("document.getElementById('name').value") == "0003"
    assert browser.script(_SHOWN) == 2


def test_a_finding_leads_to_its_row_also_when_that_was_filtered_out(browser: Browser, tmp_path: Path) -> None:
    browser.resize(1280)
    browser.open(_file(tmp_path, board(30)), "light")
    browser.driver.find_element(By.ID, "name").send_keys("0001")
    browser.script("document.querySelector('.kind a').click()")
    assert browser.script("document.querySelector('#rows tr:target').offsetParent !== null")
    assert browser.script("document.querySelector('#rows tr:target').id") == "dev.usage-customer-0003"


@pytest.mark.parametrize(
    ("age", "period", "old"),
    [(0, 900, False), (44, 900, False), (46, 900, True), (46, 0, False), (1500, 0, True)],
)
def test_a_page_says_that_it_is_old_by_the_viewers_clock(
    browser: Browser, tmp_path: Path, age: int, period: int, old: bool
) -> None:
    found = replace(board(1), made=_now() - timedelta(minutes=age), period=period)
    browser.open(_file(tmp_path, found), "light")
    assert browser.driver.find_element(By.ID, "old").is_displayed() == old
    assert browser.script("document.querySelector('#reload') !== null") == (period > 0)


def test_an_environment_that_nobody_looks_at_any_more_is_marked_although_the_page_is_new(
    browser: Browser, tmp_path: Path
) -> None:
    fresh, late = board(1, made=_now()).environments
    assert fresh.seen
    assert late.seen
    both = (
        replace(fresh, seen=replace(fresh.seen, at=_now())),
        replace(late, seen=replace(late.seen, at=_now() - HOUR)),
    )
    browser.open(_file(tmp_path, replace(board(1), made=_now(), environments=both)), "light")
    shown = [each.is_displayed() for each in browser.driver.find_elements(By.CSS_SELECTOR, ".card .late")]
    assert shown == [False, True]


def test_a_page_of_1000_pipelines_in_two_environments_has_less_than_3_mb() -> None:
    assert len(page.to_html(board(1000)).encode()) < 3_000_000


def test_a_board_of_nothing_is_a_page(browser: Browser, tmp_path: Path) -> None:
    browser.open(_file(tmp_path, replace(board(0), environments=())), "light")
    assert browser.messages() == []
    assert "No pipeline is known." in browser.script("document.body.innerText")
