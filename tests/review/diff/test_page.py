"""The diff as one page: what it says and leaves out, and how a browser takes it, also from a stranger's manifests."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diff_kit import BASE, GREET, TEMPLATE, Command, Edit, diff, edit
from gitrepo import commit
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.webpage.parts import MAX_BYTES
from kfp_gitops.rendering.rendered import INNER
from kfp_gitops.review.diff.calendar import calendar
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.model import (
    Action,
    Category,
    Change,
    EnvironmentDiff,
    Kind,
    PipelineDiff,
    SharedDiff,
)
from kfp_gitops.review.page.evidence import Evidence, Judged
from kfp_gitops.review.page.week import Week
from kfp_gitops.review.page.whole import to_html
from selenium.webdriver.common.keys import Keys
from servers.browser import Browser
from states_kit import INSTANT, Files, component_of, manifest_of

_ELSE = """      else:
        tasks:
          greet-few:
            component: greet
            arguments: {name: few}
"""
_GREETING = "      arguments:\n        name: {param: name}"
_AGAIN = "    again:\n      component: greet\n      arguments: {name: again}\nschedules:"
_EDITS = (
    Edit(GREET, 'f\\"hello {name}\\"', 'f\\"good day {name}\\"'),
    Edit(TEMPLATE, _GREETING, f"      retry: {{count: 9}}\n{_GREETING}"),
    Edit(TEMPLATE, _ELSE, ""),
    Edit(TEMPLATE, "schedules:", _AGAIN),
    Edit(
        BASE, "cron: '0 0 3 * * 1'\n        enabled: false", "cron: '0 30 4 * * 1,4'\n        enabled: true"
    ),
)
_POLICY = """apiVersion: kfp-gitops/v1alpha1
kind: Policy
checks:
- id: few-retries
  select: retry
  schema: {properties: {count: {maximum: 5}}}
  reason: more than five retries hide a failure
  fix: lower retry.count
changes:
- categories: [results]
  label: results-approved
  reason: somebody has to look
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


@pytest.fixture
def usual(changed: Path, command: Command) -> Path:
    """The page of a usual change, in a file."""
    (changed / "environments/policy.yaml").write_text(_POLICY, "utf-8")
    commit(changed, "a policy")
    edit(changed, *_EDITS)
    page = changed.parent / "pages/diff.html"
    outcome = diff(command, changed, "--format", "html", "--output", str(page))
    assert (outcome.code, outcome.out) == (1, ""), outcome.err
    assert re.search(r"wrote .*diff\.html \(\d+ kB\)", outcome.err)
    return page


def _text(page: Path) -> str:
    return page.read_text("utf-8")


def test_the_page_says_all_that_the_text_says_and_what_the_policy_wants(usual: Path) -> None:
    page = _text(usual)
    assert '<h2 id="e0">dev: 1 new version, 1 schedule replaced</h2>' in page
    for said in (
        "hello: version sha-", "category results", "task greet</th>", ">retry<", "task greet-few", "task again",
        "Made anew, pinned to this version: weekly.", "0 30 4 * * 1,4, 2 firings", "runs again: ",
        "retries hide a failure", "lower retry.count", "give the pull request the label results-approved",
    ):  # fmt: skip
        assert said in page, said
    assert re.search(r"<code>manifests/dev/pipelines/hello/pipeline\.yaml:\d+:\d+</code>", page)
    assert re.search(r"<del><code>.*hello.*</code></del>", page)
    assert re.search(r"<ins><code>.*good day.*</code></ins>", page)
    assert len(page.encode()) < 150_000


def test_tasks_are_marked_by_a_sign_and_a_border_and_told_in_words(usual: Path) -> None:
    before, after = re.findall(r'<svg class="drawing".*?</svg>', _text(usual), re.DOTALL)
    marks = [
        dict(re.findall(r'class="node(?: group)?(?: (\w+))?">\s*<title>\w[\w ]*? ([\w-]+)[:,]', drawn)[::-1])
        for drawn in (before, after)
    ]
    assert marks[0].keys() == {"", "changed", "removed"}
    assert marks[1].keys() == {"", "changed", "added"}
    assert "<title>task greet-few, removed</title>" in before and "greet-few" not in after
    assert "<title>task again, added</title>" in after and "again" not in before
    assert before.count('class="sign"') == len(re.findall(", (removed|changed)</title>", before))
    for anchor in set(re.findall(r'<a href="#([^"]+)"', before + after)):
        assert _text(usual).count(f'id="{anchor}"') == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_for_everybody(scheme: str, width: int, usual: Path, browser: Browser) -> None:
    _is_good(browser, usual, scheme, width)


def _is_good(browser: Browser, page: Path, scheme: str, width: int) -> None:
    """No message, no request, no script but ours, nothing wider than the screen, nothing that keeps people out."""
    browser.resize(width)
    browser.open(page, scheme)
    browser.script("[...document.querySelectorAll('details')].map(each => each.open = true)")
    browser.script("document.querySelector('.drawing a').focus()")
    assert browser.axe() == []
    assert browser.script("document.documentElement.scrollWidth") <= width
    assert browser.messages() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.script("window.obeyed === undefined")
    assert browser.script("document.scripts.length") == 1
    assert browser.script("document.querySelectorAll('img, iframe, object, embed, form').length") == 0


def test_a_task_s_fields_are_shown_by_the_keyboard_and_by_a_click(usual: Path, browser: Browser) -> None:
    browser.resize(1280)
    browser.open(usual, "light")
    chosen = "document.querySelector('.chosen')"
    assert browser.script(f"{chosen}.hidden")
    browser.script(
        "[...document.querySelectorAll('.drawing a')].find(a => a.textContent.includes('greet,')).focus()"
    )
    assert "retry" in browser.script(f"{chosen}.innerText")
    browser.press(Keys.TAB)
    assert "count" in browser.script(f"{chosen}.querySelector('h5').innerText")
    browser.press(Keys.ENTER)
    assert browser.script(f"document.activeElement === {chosen}")
    browser.press(Keys.ESCAPE)
    assert "count" in browser.script("document.activeElement.textContent")
    click = "new MouseEvent('click', {bubbles: true, cancelable: true})"
    browser.script(f"[...document.querySelectorAll('.drawing a')].at(-1).dispatchEvent({click})")
    assert browser.script(f"document.activeElement === {chosen}")
    assert browser.script("location.hash") == ""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_chosen_task_is_not_behind_what_is_told_of_it(width: int, usual: Path, browser: Browser) -> None:
    browser.resize(width, 700)
    browser.open(usual, "light")
    hidden = """[...document.querySelectorAll('.drawing a')].filter(link => {
        link.focus();
        const [box, panel] = [link, document.querySelector('.chosen')].map(each => each.getBoundingClientRect());
        return box.height < 200 && box.bottom > panel.top + 1 && box.top < panel.bottom;
    }).length"""
    assert browser.script(hidden) == 0


def test_only_what_scrolls_is_a_stop_of_the_tab_key(usual: Path, browser: Browser) -> None:
    stops = "document.querySelectorAll('.scroll[tabindex]').length"
    browser.resize(1280)
    browser.open(usual, "light")
    assert browser.script(stops) == 0
    browser.resize(390)
    end = time.monotonic() + 5
    while not browser.script(stops) and time.monotonic() < end:
        time.sleep(0.05)
    assert browser.script(stops) > 0


def test_on_paper_all_is_there(usual: Path, browser: Browser) -> None:
    browser.resize(1280)
    browser.open(usual, "light")
    browser.driver.execute_cdp_cmd("Page.printToPDF", {})
    assert browser.script("document.querySelectorAll('details[open]').length") == 0
    browser.script("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.script("document.querySelectorAll('details:not([open])').length") == 0
    browser.script("window.dispatchEvent(new Event('afterprint'))")
    assert browser.script("document.querySelectorAll('details[open]').length") == 0


def test_without_a_script_a_box_leads_to_its_task(usual: Path, browser: Browser, tmp_path: Path) -> None:
    still = tmp_path / "still.html"
    still.write_text(re.sub(r"<script>.*</script>", "", _text(usual), flags=re.DOTALL), "utf-8")
    browser.resize(1280)
    browser.open(still, "light")
    browser.script(
        "document.querySelector('.drawing a').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    end = time.monotonic() + 5
    shown = "document.querySelector('.task:target')?.closest('details').open || false"
    while not browser.script(shown) and time.monotonic() < end:
        time.sleep(0.05)
    assert browser.script(shown)


# A stranger's manifests

HOSTILE = (
    "</title></script></style>--><script>window.obeyed = 1</script><img src=x onerror='window.obeyed = 1'>"
    "\"' onmouseover=window.obeyed=1 \u202ereversed\u2066 {{ 7 * 7 }} {% raw %} javascript:window.obeyed=1 &lt;b&gt; "
    + "long"
    * 60
)


def _hostile_manifest(count: int) -> dict[str, Any]:
    name = f"{HOSTILE}{count}"
    greet = {"component": "greet", "arguments": {HOSTILE: HOSTILE}, "env": {HOSTILE: HOSTILE}}
    tasks = {
        name: {**greet, "retry": {"count": count}},
        f"{HOSTILE} group": {
            "if": {"eq": [{"task": name, "output": HOSTILE}, HOSTILE]},
            "tasks": {f"in {HOSTILE}": {"component": HOSTILE}},
            "else": {"tasks": {f"no {HOSTILE}": {"component": "greet"}}},
        },
        "same": {"component": "greet", "arguments": {HOSTILE: {"task": name, "output": "x"}, "n": count}},
    }
    schedule = {"name": HOSTILE, "cron": f"0 {count} 4 * * *", "enabled": True}
    about = {"name": "p", "description": HOSTILE + str(count), "owner": HOSTILE, "displayName": HOSTILE}
    return {**manifest_of(), "metadata": about, "spec": {"tasks": tasks}, "schedules": [schedule]}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a change all of whose names and texts are a stranger's."""
    sides = [
        Files(
            manifest=_hostile_manifest(count),
            component=component_of(image=f"{HOSTILE}{count}", args=[f"a\n{HOSTILE}\n{count}"]),
            entry={"release": f"{HOSTILE}{count}", "template": HOSTILE, "labels": {HOSTILE: HOSTILE * count}},
            beside={f"{HOSTILE[:20].replace('/', '')}.yaml": {HOSTILE: count}},
        ).state(HOSTILE)
        for count in (1, 2)
    ]
    found = compare(HOSTILE, *sides, INSTANT)
    assert found.semantic
    found = replace(
        found, problems=[Problem(HOSTILE, 1, 2, HOSTILE, HOSTILE)], warnings=[HOSTILE], noise=[HOSTILE]
    )
    weeks = [calendar(HOSTILE, "UTC", state.manifests(INSTANT), INSTANT) for state in sides]
    shared = SharedDiff(
        HOSTILE, [Change(Action.ADDED, Kind.FILE, HOSTILE, HOSTILE, None, HOSTILE)], [HOSTILE]
    )
    policy = Judged(
        [Problem(HOSTILE, 1, 2, HOSTILE, HOSTILE)], [Problem(HOSTILE, 0, 0, HOSTILE, HOSTILE)], HOSTILE
    )
    evidence = Evidence(INSTANT, {HOSTILE: (sides[0], sides[1])}, {HOSTILE: Week(*weeks)}, policy)
    page = tmp_path_factory.mktemp("hostile") / "diff.html"
    page.write_text(to_html([found], shared, evidence), "utf-8")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_stranger_s_names_and_texts_are_shown_and_not_obeyed(
    scheme: str, width: int, hostile: Path, browser: Browser
) -> None:
    _is_good(browser, hostile, scheme, width)
    assert (
        browser.script("document.querySelectorAll('[onerror], [onmouseover], [onclick], [style]').length")
        == 0
    )
    targets = browser.script("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert all(re.fullmatch(r"#[a-z0-9-]+", target) for target in targets)


def test_a_stranger_s_text_stays_as_it_is_and_what_hides_is_written_out(
    hostile: Path, browser: Browser
) -> None:
    browser.open(hostile, "light")
    browser.script("[...document.querySelectorAll('details')].map(each => each.open = true)")
    shown = browser.script("document.body.innerText")
    assert "<img src=x onerror='window.obeyed = 1'>" in shown
    assert "\\u202ereversed\\u2066 {{ 7 * 7 }} {% raw %}" in shown
    assert "&lt;b&gt;" in shown
    page = _text(hostile)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f]", page)
    assert browser.script("document.querySelectorAll('.drawing').length") == 2
    assert browser.script("document.querySelectorAll('.chosen, .code, .week').length") >= 3


def _page_of(*sides: Files) -> str:
    before, after = (files.state(name) for files, name in zip(sides, ("HEAD", "the work tree"), strict=True))
    return to_html(
        [compare("dev", before, after, INSTANT)], None, Evidence(INSTANT, {"dev": (before, after)})
    )


def test_a_pipeline_that_runs_in_another_is_drawn_too_where_it_changes() -> None:
    outer = manifest_of(spec={"tasks": {"call": {"pipeline": "inner"}, "same": {"component": "greet"}}})
    inner = {
        count: manifest_of(spec={"tasks": {"deep": {"component": "greet", "retry": {"count": count}}}})
        for count in (1, 2)
    }
    place = f"pipelines/p/{INNER}/inner.yaml"
    page = _page_of(*(Files(manifest=outer, beside={place: inner[count]}) for count in (1, 2)))
    drawings = re.findall(r'<svg class="drawing".*?</svg>', page, re.DOTALL)
    names = [re.findall(r'aria-label="([^"]+)"', drawn)[0] for drawn in drawings]
    assert names == ["p before", "p after", "inner in p before", "inner in p after"]
    assert "<title>task call, changed</title>" in drawings[1]
    assert "<title>task deep, changed</title>" in drawings[3]


def test_a_pipeline_that_comes_or_goes_has_one_picture_and_one_that_is_too_large_is_listed() -> None:
    page = _page_of(Files(pipeline=False), Files())
    assert page.count('<svg class="drawing"') == 1 and "There was none." in page
    page = _page_of(Files(), Files(pipeline=False))
    assert page.count('<svg class="drawing"') <= 1
    many = {f"t{number}": {"component": "greet"} for number in range(151)}
    page = _page_of(Files(), Files(manifest=manifest_of(spec={"tasks": many})))
    assert "Not drawn: 151 tasks and groups are too many to be read" in page
    assert "All tasks of p in words (152)" in page


def test_a_task_that_was_renamed_leads_to_the_same_place_from_both_pictures() -> None:
    both = [
        Files(manifest=manifest_of(spec={"tasks": {name: {"component": "greet"}}})) for name in ("old", "new")
    ]
    page = _page_of(*both)
    (before, after) = re.findall(r'<svg class="drawing".*?</svg>', page, re.DOTALL)
    anchors = [re.findall('href="([^"]+)"', drawn) for drawn in (before, after)]
    assert anchors[0] == anchors[1] and len(anchors[0]) == 1
    assert "<title>task old, changed</title>" in before and "<title>task new, changed</title>" in after
    assert "new, was old" in page


# Size, and the command


def _fleet(count: int) -> tuple[list[EnvironmentDiff], Evidence]:
    """A diff of as many pipelines, each with changes of its own, and a picture and code of the first side's."""
    state = Files(manifest_of(), component_of()).state("HEAD")
    pipelines = [
        PipelineDiff(
            f"pipeline-{at}",
            None,
            [Change(Action.CHANGED, Kind.TASK, f"task-{at}-{n}", f"env.V{at}", f"{n} " * 40, at) for n in range(12)],
            "sha-1", f"sha-{at}", category=Category.RESULTS, warnings=[f"warning of {at}"],
        )
        for at in range(count)
    ]  # fmt: skip
    found = [EnvironmentDiff("dev", "origin/main", "UTC", pipelines=pipelines)]
    return found, Evidence(INSTANT, {"dev": (state, state)})


def test_what_does_not_fit_is_left_out_and_it_says_where_that_is() -> None:
    found, evidence = _fleet(1_000)
    begun = time.monotonic()
    page = to_html(found, None, evidence)
    assert time.monotonic() - begun < 10
    assert len(page.encode()) <= MAX_BYTES
    shown = len(re.findall('<article class="pipeline"', page))
    assert 50 < shown < 1_000
    assert "<strong>Not all is here</strong>" in page
    assert f"all of the changes of pipeline-{shown}, pipeline-{shown + 1}" in page
    assert f"… {1_000 - shown - 30:,} more" in page
    assert "diff.py --env ENV --pipeline NAME --base origin/main --format html" in page
    assert "dev: 999 new versions" in page


def test_a_small_one_is_whole() -> None:
    page = to_html(*_fleet(3)[:1], None, _fleet(3)[1])
    assert "Not all is here" not in page
    assert page.count('<article class="pipeline"') == 3


def test_environments_beyond_number_stay_within_the_size() -> None:
    found = [EnvironmentDiff(f"env-{at}", "HEAD", "UTC", warnings=["w" * 2_000] * 50) for at in range(400)]
    page = to_html(found, None, Evidence(INSTANT))
    assert len(page.encode()) <= MAX_BYTES
    assert "… 200 more environments are not shown" in page


def test_nothing_changes_is_a_page_too() -> None:
    page = to_html(
        [EnvironmentDiff("dev", "HEAD", "UTC")],
        SharedDiff("HEAD"),
        Evidence(INSTANT, policy=Judged(said="12 checks")),
    )
    assert "dev: no semantic change" in page
    assert '<span class="tag good">passes</span> 12 checks' in page


def test_without_a_policy_nothing_is_said_of_one(changed: Path, command: Command) -> None:
    edit(changed, _EDITS[0])
    assert 'id="policy"' not in diff(command, changed, "--format", "html").out


def test_a_policy_that_cannot_be_read_is_told_in_its_place(changed: Path, command: Command) -> None:
    (changed / "environments/policy.yaml").write_text("checks: [", "utf-8")
    edit(changed, _EDITS[0])
    outcome = diff(command, changed, "--format", "html")
    assert outcome.code == 1
    assert "<code>environments/policy.yaml:" in outcome.out


def test_the_policy_is_asked_of_what_differs_and_of_all_where_it_differs_itself(
    changed: Path, command: Command
) -> None:
    edit(changed, _EDITS[1])
    (changed / "environments/policy.yaml").write_text(_POLICY, "utf-8")
    rendered = command("render", "--root", changed, "--env", "dev", "--lock")
    assert rendered.code == 0, rendered.err
    commit(changed, "retries, and a policy that came too late")
    edit(changed, _EDITS[0])
    page = diff(command, changed, "--format", "html").out
    assert "retries hide a failure" not in page
    assert "of the files that differ; `python scripts/policy.py` judges all" in page
    edit(changed, Edit("environments/policy.yaml", "five retries hide", "five retries may hide"))
    assert "five retries may hide a failure" in diff(command, changed, "--format", "html").out


@pytest.mark.parametrize("form", ["text", "markdown", "json", "html"])
def test_a_form_goes_to_the_file_that_was_named_whole(form: str, changed: Path, command: Command) -> None:
    edit(changed, _EDITS[1])
    place = changed.parent / f"new/folder/diff.{form}"
    written = diff(command, changed, "--format", form, "--output", str(place))
    assert (written.code, written.out) == (1, "")
    shown = diff(command, changed, "--format", form).out
    mask = r"made \d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.sub(mask, "", _text(place)).rstrip() == re.sub(mask, "", shown).rstrip()
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    if form == "json":
        assert json.loads(_text(place))["kind"] == "Diff"


def test_what_was_not_asked_for_is_not_in_the_page(usual: Path, changed: Path, command: Command) -> None:
    asked = diff(command, changed, "--format", "html", "--pipeline", "hello")
    assert "Only schedules of the pipelines that were asked for" in asked.out
    assert "retries hide a failure" in asked.out
    assert "Only schedules of" not in _text(usual)


def test_a_file_that_cannot_be_written_and_a_week_as_a_page_are_refused(
    changed: Path, command: Command
) -> None:
    refused = diff(command, changed, "--format", "html", "--output", str(changed))
    assert refused.code == 2
    assert f"--output {changed}: " in refused.err and "name a file that can be written" in refused.err
    week = command("diff", "--root", changed, "--env", "dev", "--schedules", "--format", "html")
    assert (week.code, week.out) == (2, "")
    assert "--schedules has no page" in week.err


def test_a_pipe_is_written_to_and_a_link_leads_to_the_new_page(changed: Path, command: Command) -> None:
    target, link = changed.parent / "kept.html", changed.parent / "link.html"
    target.write_text("old")
    link.symlink_to(target)
    edit(changed, _EDITS[1])
    assert diff(command, changed, "--format", "html", "--output", str(link)).code == 1
    assert link.is_symlink()
    assert "What merging does" in target.read_text("utf-8")
