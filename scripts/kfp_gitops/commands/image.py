"""`image`: write images' new digests into an environment's release.yaml, then render and lock it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console, render
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment

_EXAMPLES = """  python scripts/image.py --env dev --set predictive-scaling=registry.example.com/steps@sha256:DIGEST
  python scripts/image.py --env prod --set reconciler=registry.example.com/reconciler@sha256:DIGEST

The workflow that builds an image calls this for each environment that follows the sources, and opens a
pull request. To an environment that follows pinned copies the images of steps come by `promote.py`; its own
reconciler may be set."""
_REFERENCE = re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}")


def main(argv: Sequence[str] | None = None) -> int:
    """Change only the lines of the images named; comments stay."""
    parser = Parser(
        "image.py", "Write the digests of new images into environments/ENV/release.yaml.", _EXAMPLES
    )
    parser.add_argument("--env", required=True, metavar="ENV")
    parser.add_argument(
        "--set", required=True, action="append", metavar="NAME=REF", dest="images",
        help="a logical image name and its reference by digest; repeatable",
    )  # fmt: skip
    arguments = parse(parser, argv)
    root: Path = arguments.root
    env = environment.load(root, arguments.env)
    images = dict(_pair(env, text) for text in arguments.images)
    path = environment.release_path(env.name)
    text = files.read_text(root, path)
    for name, reference in images.items():
        text = _replaced(text, name, env.images[name], reference)
        console.result(f"{name}: {env.images[name]} → {reference}")
    files.write_text(root, path, text)
    return render.main(["--root", str(root), "--env", env.name, "--lock"])


def _pair(env: Environment, text: str) -> tuple[str, str]:
    name, _, reference = text.partition("=")
    if not _REFERENCE.fullmatch(reference):
        raise UsageError(f"--set {text}: write NAME=registry/image@sha256:… with 64 hexadecimal digits")
    if name not in env.images:
        known, path = ", ".join(env.images), environment.release_path(env.name)
        raise UsageError(
            f"--set {text}: {env.name} has no image {name!r}; it has: {known}; a new one begins as a line in {path}"
        )
    if not env.follows_sources and name != RECONCILER_IMAGE:
        raise UsageError(f"--set {text}: {env.name} follows pinned copies; run promote.py instead")
    return name, reference


def _replaced(text: str, name: str, old: str, new: str) -> str:
    """Of the top-level `images:` only: what is pinned below `pipelines:` is promotion's."""
    pattern = re.compile(
        rf"(^images:\n(?:[ #].*\n)*?  {re.escape(name)}: ['\"]?){re.escape(old)}", re.MULTILINE
    )
    replaced, count = pattern.subn(lambda match: match[1] + new, text, count=1)
    if not count:
        raise UsageError(f"the line of image {name!r} is not written as `  {name}: {old}`; write it so")
    return replaced
