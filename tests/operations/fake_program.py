"""Stands for kubectl or argocd: refuses what the real one would not understand, writes down the rest, answers as told.

`fake_program.py FOLDER NAME WORDS`. Of kubectl the real one reads the words, and finds no cluster at an address where
none is. argocd's commands and options are those of its documentation (Argo CD 3.1, user-guide/commands).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

_NOBODY = ("--server=http://127.0.0.1:1", "--request-timeout=1s")


def kubectl(words: list[str]) -> str:
    """Why the real one does not understand it; empty when it went as far as to look for the cluster."""
    environment = {**os.environ, "PATH": os.environ["REAL_PATH"], "KUBECONFIG": os.devnull}
    done = subprocess.run(
        ["kubectl", *_NOBODY, *words], env=environment, capture_output=True, text=True, check=False
    )
    return "" if "127.0.0.1:1" in done.stderr and "refused" in done.stderr else done.stderr or "no request"


def argocd(words: list[str]) -> str:
    """Likewise; a table, for it is a program that few have."""
    parser = ArgumentParser("argocd", allow_abbrev=False)
    groups = parser.add_subparsers(required=True).add_parser("app").add_subparsers(required=True)
    for name in ("get", "terminate-op", "sync", "set", "delete"):
        command = groups.add_parser(name, allow_abbrev=False)
        command.add_argument("application")
        for option in {"sync": ("--prune",), "set": ("--auto-prune", "--self-heal")}.get(name, ()):
            command.add_argument(option, action="store_true")
        if name == "set":
            command.add_argument("--sync-policy", choices=("none", "automated"))
        if name == "get":
            command.add_argument("--show-operation", action="store_true")
    parser.parse_args(words)
    return ""


def main() -> int:
    """0 and the answer, or 1 and what is not understood."""
    folder, name, words = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    wrong = {"kubectl": kubectl, "argocd": argocd}[name](words)
    if wrong:
        sys.stderr.write(wrong)
        return 1
    with (folder / "asked.jsonl").open("a") as log:
        log.write(json.dumps([name, *words]) + "\n")
    answers = json.loads((folder / "answers.json").read_text())
    line = " ".join([name, *words])
    sys.stdout.write(next((text for start, text in answers.items() if line.startswith(start)), ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
