#!/usr/bin/env python3
"""Write the review's comment on a pull request, in place of the one before: what the diff says, or that it failed.

usage: comment.py FOLDER, with what semantic-diff wrote: diff.md, notes.txt, and sections/*.md of others. Each of them
is a stranger's text: it is cut, and no character of it is obeyed. Environment: GH_TOKEN, GITHUB_REPOSITORY,
GITHUB_API_URL, NUMBER, HEAD and BASE (commits), RESULT of the job that computed it, RUN (its URL), PAGE (the URL
of the page that it made, if it did). With ABOUT=preview it is the comment of a preview, with what `preview` wrote:
preview.md and notes.txt. It needs the standard library alone.
"""

import json
import os
import re
import sys
import time
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ABOUT = os.environ.get("ABOUT", "review")  # or preview: each has one comment
MARK = f"<!-- kfp-gitops {ABOUT} -->"
NOTHING = (
    "Nothing that runs changes"  # a preview that begins so is worth no comment, unless there is one already
)
BOT = "github-actions[bot]"  # whose comments GITHUB_TOKEN writes; nobody else can take that name
MOST = 60_000  # GitHub refuses a comment of more than 65,536 characters
MOST_NOTES = 6_000
MOST_SECTION, MOST_SECTIONS = 6_000, 4
QUIET = ("Nothing that runs changes", "Taken down")  # a preview's that begins so only replaces what is there
PAGES = 50
TRIES = 4


class FailedError(Exception):
    """GitHub did not do it."""


def main() -> int:
    """Update our comment, or add one; exit 1 when GitHub refuses, and when the diff failed."""
    folder, head = Path(sys.argv[1]), os.environ["HEAD"]
    try:
        now = call("GET", f"pulls/{number()}")["head"]["sha"]
        if now != head:
            print(f"the pull request is at {now} by now; its own run will comment")
            return 0
        body, ours = TEXTS[ABOUT](folder), own_comment()
        if ours is None and ABOUT != "review" and read(folder / "preview.md", MOST).startswith(QUIET):
            print("there is nothing to say")
            return 0
        if ours is None:
            call("POST", f"issues/{number()}/comments", {"body": body})
        else:
            call("PATCH", f"issues/comments/{ours}", {"body": body})
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"commented on {head}")
    return 0


def number() -> int:
    """The pull request's."""
    return int(os.environ["NUMBER"])


def text(folder: Path) -> str:
    """The whole comment: it names the commits that it speaks of."""
    head, base, run = os.environ["HEAD"], os.environ["BASE"], os.environ["RUN"]
    spoken = f"of {head} merged into {base}, [by the scripts of the latter]({run})"
    notes = fenced(read(folder / "notes.txt", MOST_NOTES))
    if os.environ["RESULT"] != "success":
        return (
            f"{MARK}\n## The review failed\n\nThere is no semantic diff {spoken}. What stood here before was of "
            f"another commit, and says nothing of this one.{page()}\n\n{notes}"
        )
    sections = "\n\n".join(
        read(path, MOST_SECTION) for path in sorted(folder.glob("sections/*.md"))[:MOST_SECTIONS]
    )
    first = f"{MARK}\n## What merging would do\n\n{spoken[0].upper()}{spoken[1:]}.{page()}\n\n"
    rest = "\n\n".join(part for part in (sections, notes) if part)
    diff = read(folder / "diff.md", MOST - len(first) - len(rest)) or "Nothing was said."
    return f"{first}{diff}\n\n{rest}".rstrip() + "\n"


def of_preview(folder: Path) -> str:
    """The whole comment of a preview."""
    head, base, run = os.environ["HEAD"], os.environ["BASE"], os.environ["RUN"]
    spoken = f"Of {head} merged into {base}, [by the scripts of the latter]({run})."
    said, notes = (
        read(folder / "preview.md", MOST - MOST_NOTES),
        fenced(read(folder / "notes.txt", MOST_NOTES)),
    )
    if os.environ["RESULT"] == "success":
        return f"{MARK}\n## Preview\n\n{spoken}\n\n{said}\n"
    failed = said or "What stood here before was of another commit."
    return f"{MARK}\n## The preview failed\n\n{spoken}\n\n{failed}\n\n{notes}".rstrip() + "\n"


def page() -> str:
    """A link to the page, if there is one: an artifact of the very run."""
    url = os.environ.get("PAGE", "")
    if not re.fullmatch(rf"{re.escape(os.environ['RUN'])}/artifacts/[0-9]+", url):
        return ""
    return f" [The same as one page]({url}), to download and open: pictures, code side by side, a week of schedules."


def read(path: Path, most: int) -> str:
    """A file's text, at most so many characters, with whatever is open in it closed; empty when there is none."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        found = file.read(4 * most + 1).decode("utf-8", "replace")
    shown = "".join(map(visible, found.replace("\r\n", "\n"))).replace(MARK, "").strip()
    return shown if len(shown) <= most else cut(shown, most)


def visible(character: str) -> str:
    """A character that is shown, or its escape: neither control characters nor letters of no width."""
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") and character not in "\n\t"
    return f"\\u{ord(character):04x}" if hidden else character


def cut(shown: str, most: int) -> str:
    """Whole lines of the beginning; a fence or a fold that is cut in two would swallow what follows."""
    said = "\n\nCut here: the whole is in the summary of the run.\n"
    kept = shown[: most - len(said) - 200].rpartition("\n")[0]
    fence = ""
    for line in re.findall(r"^ {0,3}(`{3,}|~{3,})", kept, re.MULTILINE):
        fence = "" if fence and line.startswith(fence) else fence or line
    folds = kept.count("<details") - kept.count("</details>")
    return kept + (f"\n{fence}" if fence else "") + "\n</details>" * max(0, min(folds, 10)) + said


def fenced(shown: str) -> str:
    """As it is, in a block that it cannot end."""
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}\n" if shown else ""


def own_comment() -> int | None:
    """The newest comment that an earlier run of this wrote."""
    found = [
        int(comment["id"])
        for comment in comments()
        if comment["user"]["login"] == BOT and str(comment["body"]).startswith(MARK)
    ]
    return found[-1] if found else None


def comments() -> Iterator[dict[str, Any]]:
    """All of them, oldest first."""
    for page in range(1, PAGES + 1):
        found = call("GET", f"issues/{number()}/comments?per_page=100&page={page}")
        yield from found
        if len(found) < 100:
            return


def call(method: str, path: str, body: Any = None) -> Any:
    """What the API answers; asked again where it is overloaded."""
    url = f"{os.environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {os.environ['GH_TOKEN']}", "Accept": "application/vnd.github+json"}
    for tried in range(1, TRIES + 1):
        try:
            request = urllib.request.Request(url, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.load(reply)
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            status = error.code if isinstance(error, urllib.error.HTTPError) else 0
            # A comment that may have been written is not written twice.
            again = status in (429, 502, 503, 504) or (method != "POST" and status == 0)
            if tried == TRIES or not again:
                raise FailedError(f"{method} {path}: {error}") from None
            time.sleep(float(os.environ.get("PAUSE", "2")) * tried)
    raise AssertionError


TEXTS = {"review": text, "preview": of_preview}

if __name__ == "__main__":
    sys.exit(main())
