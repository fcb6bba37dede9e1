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

_EXAMPLES = """  python scripts/image.py --env dev --add texts=registry.example.com/texts   one more, not built
  python scripts/image.py --env dev --set predictive-scaling=registry.example.com/steps@sha256:DIGEST
  python scripts/image.py --env prod --set reconciler=registry.example.com/reconciler@sha256:DIGEST

The workflow that builds an image calls this for each environment that follows the sources, and opens a
pull request. To an environment that follows pinned copies the images of steps come by `promote.py`; its own
reconciler may be set."""
_NOT_BUILT = "sha256:" + "0" * 64
_NAME, _REPOSITORY = (
    re.compile(r"[a-z0-9]([a-zA-Z0-9._:/-]{0,254}[a-zA-Z0-9])?"),
    re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]*"),
)
_REFERENCE = re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}")


def main(argv: Sequence[str] | None = None) -> int:
    """Change only the lines of the images named; comments stay."""
    parser = Parser(
        "image.py", "Write the digests of new images into environments/ENV/release.yaml.", _EXAMPLES
    )
    parser.add_argument("--env", required=True, metavar="ENV")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=REF", dest="images",
        help="a logical image name and its reference by digest; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--add", action="append", default=[], metavar="NAME=REPOSITORY",
        help="a new name, and where the image will be pushed; until it is built its digest is all zeros; repeatable",
    )  # fmt: skip
    arguments = parse(parser, argv)
    if not arguments.images and not arguments.add:
        raise UsageError("image.py: say what with --set NAME=REF or --add NAME=REPOSITORY; see --help")
    root: Path = arguments.root
    if arguments.add:
        _add(root, environment.load(root, arguments.env), arguments.add)
    env = environment.load(root, arguments.env)
    images = dict(_pair(env, text) for text in arguments.images)
    path = environment.release_path(env.name)
    text = files.read_text(root, path)
    for name, reference in images.items():
        text = _replaced(text, name, env.images[name], reference)
        console.result(f"{name}: {env.images[name]} → {reference}")
    files.write_text(root, path, text)
    return render.main(["--root", str(root), "--env", env.name, "--lock"])


def _add(root: Path, env: Environment, texts: Sequence[str]) -> None:
    """Lines at the end of `images:`, with the digest of what nobody has built."""
    path = environment.release_path(env.name)
    found = dict(_new(env, text) for text in texts)
    text = files.read_text(root, path)
    lines = "".join(f"  {name}: {repository}@{_NOT_BUILT}\n" for name, repository in found.items())
    changed, count = re.subn(
        r"^images:\n(?:[ #].*\n)*", lambda match: match[0] + lines, text, count=1, flags=re.MULTILINE
    )
    if not count:
        raise UsageError(f"{path}: `images:` is not followed by a line for each image; write it so")
    files.write_text(root, path, changed)
    for name, repository in found.items():
        console.result(f"{name}: {repository}@{_NOT_BUILT} (not built yet)")


def _new(env: Environment, text: str) -> tuple[str, str]:
    name, _, repository = text.partition("=")
    if not _NAME.fullmatch(name) or not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            f"--add {text}: write NAME=registry/image, without a digest, such as texts=registry.example.com/texts"
        )
    if name in env.images:
        raise UsageError(
            f"--add {text}: {env.name} has an image {name!r} already: {env.images[name]}; --set changes it"
        )
    if not env.follows_sources:
        raise UsageError(
            f"--add {text}: {env.name} follows pinned copies; add it where the sources are followed, and promote"
        )
    return name, repository


def _pair(env: Environment, text: str) -> tuple[str, str]:
    name, _, reference = text.partition("=")
    if not _REFERENCE.fullmatch(reference):
        raise UsageError(f"--set {text}: write NAME=registry/image@sha256:… with 64 hexadecimal digits")
    if name not in env.images:
        known, path = ", ".join(env.images), environment.release_path(env.name)
        raise UsageError(
            f"--set {text}: {env.name} has no image {name!r}; it has: {known}; --add makes a new one in {path}"
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
