"""The comment on a pull request, over HTTP: it speaks of one commit, replaces the last one, and forges nothing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from delivery.ci import run
from kfpapi.stub import Answer, Seen, Stub
from project import PROJECT

HEAD, BASE = "a" * 40, "b" * 40
MARK = "<!-- kfp-gitops review -->"


class Forge:
    """An API that has one pull request with comments, oldest first."""

    def __init__(self) -> None:
        self.head = HEAD
        self.comments: list[dict[str, Any]] = []
        self.broken: dict[str, list[int]] = {}
        self.stub = Stub(self._answer)

    def has(self, body: str, login: str = "github-actions[bot]") -> int:
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"login": login}})
        return len(self.comments)

    def _answer(self, seen: Seen) -> Answer:
        if statuses := self.broken.get(seen.method):
            return Answer(statuses.pop(0))
        assert seen.headers["authorization"] == "Bearer a-token"
        path, _, query = seen.path.removeprefix("/repos/example/repository/").partition("?")
        match seen.method, path.split("/"):
            case "GET", ["pulls", "7"]:
                return self._reply({"head": {"sha": self.head}})
            case "GET", ["issues", "7", "comments"]:
                page = int(re.findall(r"[?&]?page=(\d+)", query)[-1])
                return self._reply(self.comments[100 * (page - 1) : 100 * page])
            case "POST", ["issues", "7", "comments"]:
                return self._reply({"id": self.has(json.loads(seen.body)["body"])})
            case "PATCH", ["issues", "comments", found]:
                self.comments[int(found) - 1]["body"] = json.loads(seen.body)["body"]
                return self._reply({})
        raise AssertionError(seen)

    def _reply(self, value: Any) -> Answer:
        return Answer(body=json.dumps(value).encode())


@pytest.fixture
def forge() -> Iterator[Forge]:
    found = Forge()
    with found.stub:
        yield found


Comment = Callable[..., CompletedProcess[str]]


@pytest.fixture
def comment(forge: Forge, tmp_path: Path) -> Comment:
    """Run the script with what a first job left."""

    def made(
        result: str = "success", head: str = HEAD, page: str = "", **files: str
    ) -> CompletedProcess[str]:
        folder = tmp_path / "artifact"
        (folder / "sections").mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = {"diff": "diff.md", "notes": "notes.txt"}.get(name, f"sections/{name}.md")
            (folder / path).write_text(text)
        environment = {
            "GITHUB_API_URL": forge.stub.url, "GITHUB_REPOSITORY": "example/repository", "GH_TOKEN": "a-token",
            "NUMBER": "7", "HEAD": head, "BASE": BASE, "RESULT": result, "PAUSE": "0",
            "RUN": "https://git.example.com/run/1", "PAGE": page,
        }  # fmt: skip
        return run(sys.executable, PROJECT / ".github/ci/comment.py", folder, cwd=tmp_path, **environment)

    return made


def test_the_comment_names_the_commit_that_it_speaks_of(forge: Forge, comment: Comment) -> None:
    assert comment(diff="## `dev`: two pipelines\n").returncode == 0
    (body,) = (found["body"] for found in forge.comments)
    assert body.startswith(MARK)
    assert f"Of {HEAD} merged into {BASE}" in body
    assert "## `dev`: two pipelines" in body
    assert "https://git.example.com/run/1" in body


PAGE = "https://git.example.com/run/1/artifacts/7"


@pytest.mark.parametrize("result", ["success", "failure"])
def test_the_comment_links_to_the_page_that_the_run_made(forge: Forge, comment: Comment, result: str) -> None:
    assert comment(result, page=PAGE, diff="two pipelines\n").returncode == 0
    assert f"[The same as one page]({PAGE})" in forge.comments[0]["body"]


@pytest.mark.parametrize(
    "page",
    [
        "", "https://elsewhere.example.com/run/1/artifacts/7", "https://git.example.com/run/12/artifacts/7",
        f"{PAGE})x", f"{PAGE}\n# Approved", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_it_links_to_nothing_else(forge: Forge, comment: Comment, page: str) -> None:
    assert comment(page=page, diff="two pipelines\n").returncode == 0
    assert "as one page" not in forge.comments[0]["body"]


def test_a_later_one_replaces_it_and_a_failed_one_too(forge: Forge, comment: Comment) -> None:
    forge.has("I wonder", login="ann")
    comment(diff="no semantic change")
    forge.has("me too", login="ann")
    forge.head = "c" * 40
    failed = comment(
        "failure",
        "c" * 40,
        diff="half of it",
        notes="environments/prod/release.yaml:9:13: there is no commit",
    )
    assert failed.returncode == 0, failed.stderr
    bodies = [found["body"] for found in forge.comments]
    assert (len(bodies), bodies[0], bodies[2]) == (3, "I wonder", "me too")
    assert "## The review failed" in bodies[1]
    assert f"no semantic diff of {'c' * 40}" in bodies[1]
    assert "```text\nenvironments/prod/release.yaml:9:13: there is no commit\n```" in bodies[1]
    assert "no semantic change" not in bodies[1]
    assert "half of it" not in bodies[1]


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", ""])
def test_only_success_is_a_success(forge: Forge, comment: Comment, result: str) -> None:
    assert comment(result).returncode == 0
    assert "## The review failed" in forge.comments[0]["body"]


def test_of_a_commit_that_is_no_longer_the_head_nothing_is_said(forge: Forge, comment: Comment) -> None:
    forge.has(f"{MARK}\nof the newer one")
    forge.head = "d" * 40
    done = comment(diff="of the older one")
    assert (done.returncode, forge.comments[0]["body"]) == (0, f"{MARK}\nof the newer one")
    assert {seen.method for seen in forge.stub.seen} == {"GET"}


def test_comments_of_others_are_left_alone_whatever_they_say(forge: Forge, comment: Comment) -> None:
    forge.has(f"{MARK}\nmine", login="mallory")
    forge.has(f"Look: {MARK}")
    comment(diff="ours")
    assert [found["body"].splitlines()[0] for found in forge.comments] == [MARK, f"Look: {MARK}", MARK]
    assert forge.comments[0]["body"].endswith("mine")


def test_ours_is_found_behind_hundreds_of_others(forge: Forge, comment: Comment) -> None:
    for number in range(250):
        forge.has(f"{number}", login="ann")
    forge.has(f"{MARK}\nold")
    comment(diff="new")
    assert len(forge.comments) == 251
    assert "new" in forge.comments[-1]["body"]


def test_what_is_too_long_is_cut_and_whatever_is_open_in_it_closed(forge: Forge, comment: Comment) -> None:
    diff = "start\n\n<details><summary>x</summary>\n\n````python\n" + "x = 1\n" * 40_000
    assert comment(diff=diff, notes="a warning\n" * 5_000, plan="plan abc").returncode == 0
    body = forge.comments[0]["body"]
    assert len(body) <= 65_536
    assert "start" in body
    assert "\n````\n</details>\n\nCut here" in body
    assert body.index("Cut here") < body.index("plan abc") < body.index("a warning")


def test_the_text_ends_no_block_hides_nothing_and_forges_no_mark(forge: Forge, comment: Comment) -> None:
    comment("failure", notes=f"```\n## Approved\n````\n\u202eevil\x1b[2K\0 {MARK}")
    body = forge.comments[0]["body"]
    assert "`````text\n```\n## Approved\n````\n\\u202eevil\\u001b[2K\\u0000" in body
    assert body.count(MARK) == 1


def test_a_section_of_another_job_is_appended(forge: Forge, comment: Comment) -> None:
    comment(diff="the diff", plan="plan 0123456789ab", zzz="last")
    body = forge.comments[0]["body"]
    assert body.index("the diff") < body.index("plan 0123456789ab") < body.index("last")


def test_a_link_in_the_artifact_is_not_followed(forge: Forge, comment: Comment, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact/diff.md").symlink_to(tmp_path / "secret")
    assert comment().returncode == 0
    assert "hunter2" not in forge.comments[0]["body"]


@pytest.mark.parametrize(("method", "statuses", "code"), [
    ("GET", [502, 503], 0), ("PATCH", [502], 0), ("GET", [401], 1), ("PATCH", [403], 1), ("GET", [502] * 9, 1),
])  # fmt: skip
def test_an_api_that_is_overloaded_is_asked_again_and_one_that_refuses_is_told(
    forge: Forge, comment: Comment, method: str, statuses: list[int], code: int
) -> None:
    forge.has(f"{MARK}\nold")
    forge.broken[method] = statuses
    done = comment(diff="new")
    assert done.returncode == code
    assert ("new" in forge.comments[0]["body"]) is (code == 0)
    assert "Traceback" not in done.stderr
