#!/usr/bin/env python3
"""Say whether this event allows a preview of its commit, as `allowed=true` or `allowed=false` in GITHUB_OUTPUT.

A branch of this repository is allowed. A fork's commit is where somebody who may write here has just given the label
`preview` at it: the event is that, and not that the label is there. Another event takes the label off, so that it can
be given again. A push shortly before the label may have come while somebody looked at the commit before it: refused.

Environment: GH_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_OUTPUT, NUMBER, and of the event HEAD (commit),
HEAD_REPOSITORY (empty when it was deleted), PUSHED and CHANGED (when somebody pushed to that repository, and when the
pull request was changed), ACTION, LABEL, SENDER. It needs the standard library alone.
"""

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

LABEL = "preview"
QUIET = timedelta(minutes=2)
MAY_WRITE = {"admin", "write"}  # `maintain` is told as write, `triage`, who may label too, as read
TRIES = 4


class FailedError(Exception):
    """GitHub did not do it."""


def main() -> int:
    """Exit 1 when GitHub does not say: nothing is allowed then."""
    try:
        why = refused()
        if why and fork() and os.environ["ACTION"] != "labeled":
            call("DELETE", f"issues/{number()}/labels/{LABEL}", missing=True)
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"not previewed: {why}" if why else f"{os.environ['HEAD']} is previewed")
    for path, text in (
        ("GITHUB_OUTPUT", f"allowed={'false' if why else 'true'}"),
        ("GITHUB_STEP_SUMMARY", why),
    ):
        if text and os.environ.get(path):
            with Path(os.environ[path]).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
    return 0


def refused() -> str:
    """Why it may not be previewed; empty: it may."""
    pull = call("GET", f"pulls/{number()}")
    if pull["head"]["sha"] != os.environ["HEAD"]:
        return "there is a later commit by now, and its own run decides"
    if pull["state"] != "open":
        return "it is closed"
    return refused_fork() if fork() else ""


def refused_fork() -> str:
    """The same of a fork's."""
    if os.environ["ACTION"] != "labeled" or os.environ["LABEL"] != LABEL:
        return f"it is a fork's: who may write here gives the label {LABEL!r}, after each push anew (docs/previews.md)"
    sender = os.environ["SENDER"]
    if call("GET", f"collaborators/{quote(sender, safe='')}/permission")["permission"] not in MAY_WRITE:
        return f"{sender} gave the label, and may not write here"
    if moment("CHANGED") - moment("PUSHED") < QUIET:
        return (
            "somebody pushed to the fork just before the label was given, so nobody may have seen this commit: "
            f"look at {os.environ['HEAD']}, take the label off, and give it again"
        )
    return ""


def fork() -> bool:
    """Whether it is of another repository."""
    return os.environ["HEAD_REPOSITORY"] != os.environ["GITHUB_REPOSITORY"]


def moment(name: str) -> datetime:
    """An instant of the event."""
    text = os.environ[name]
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise FailedError(f"the event does not say {name}")
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def number() -> int:
    """The pull request's."""
    return int(os.environ["NUMBER"])


def call(method: str, path: str, *, missing: bool = False) -> Any:
    """What the API answers; asked again where it is overloaded. `missing`: that it is not there is fine."""
    url = f"{os.environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {"Authorization": f"Bearer {os.environ['GH_TOKEN']}", "Accept": "application/vnd.github+json"}
    for tried in range(1, TRIES + 1):
        try:
            request = urllib.request.Request(url, headers=headers, method=method)
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.load(reply)
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            status = error.code if isinstance(error, urllib.error.HTTPError) else 0
            if missing and status == 404:
                return None
            if tried == TRIES or status not in (0, 429, 502, 503, 504):
                raise FailedError(f"{method} {path}: {error}") from None
            time.sleep(float(os.environ.get("PAUSE", "2")) * tried)
    raise AssertionError


if __name__ == "__main__":
    sys.exit(main())
