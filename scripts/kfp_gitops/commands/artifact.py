"""`artifact`: the OCI image that an environment delivers, by the digest that rendering told: push, pull, lay out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.base.oci import Image
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.rendering import artifact
from kfp_gitops.sources import environment

_EXAMPLES = """  python scripts/artifact.py --env prod                  print the reference to pull and sign
  python scripts/artifact.py --env prod --push           push what manifests/prod/ holds; what is there stays
  python scripts/artifact.py --env prod --layout out     write an OCI image layout, for skopeo, oras or crane
  python scripts/artifact.py --pull REFERENCE --to DIR   fetch one by its digest, as the init container does"""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the image of manifests/<env>/ again, and do with it what is asked for."""
    parser = Parser("artifact.py", "The OCI artifact of an environment (`delivery.artifact`).", _EXAMPLES)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--env", metavar="ENV", help="one environment")
    which.add_argument("--pull", metavar="REFERENCE", help="REGISTRY/NAME@sha256:… to fetch")
    parser.add_argument("--to", type=Path, metavar="DIR", help="where what is pulled goes: an empty folder")
    parser.add_argument("--layout", type=Path, metavar="DIR", help="write an OCI image layout there")
    parser.add_argument("--push", action="store_true", help="push it to `delivery.artifact.repository`")
    connection.add_timeout(parser, "how long this may speak to the registry in all (default: {})")
    arguments = parse(parser, argv)
    if arguments.pull:
        return _pull(arguments)
    if arguments.to:
        raise UsageError("--to is where --pull puts it")
    root: Path = arguments.root
    env = environment.load(root, arguments.env)
    image = artifact.standing(root, env)
    reference = artifact.reference(env, image)
    if arguments.layout:
        _lay(image, arguments.layout)
    if arguments.push:
        _push(arguments, image, reference)
    console.result(reference)
    return ExitCode.OK


def _lay(image: Image, folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"--layout {folder}: is not empty; name an empty folder, or a new one")
        for path, pieces in image.layout():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as file:
                file.writelines(pieces())
    except OSError as error:
        what = f"--layout {folder}: {error.strerror}"
        raise UsageError(f"{what}; name an empty folder that can be written, or a new one") from None


def _push(arguments: Namespace, image: Image, reference: str) -> None:
    from kfp_gitops.operate.registry import Registry

    registry, digest = Registry.of(reference, connection.budget(arguments))
    if registry.has(digest):
        console.note(f"{reference}: is there already")
        return
    registry.push(image)
    console.note(f"{reference}: pushed, {len(image.texts)} files, {image.layer.size} bytes")


def _pull(arguments: Namespace) -> int:
    from kfp_gitops.operate.registry import Registry

    if not arguments.to or arguments.layout or arguments.push:
        raise UsageError("--pull REFERENCE wants --to DIR, and nothing else")
    if arguments.to.exists() and any(arguments.to.iterdir()):
        raise UsageError(f"--to {arguments.to}: is not empty; name an empty folder, or a new one")
    registry, digest = Registry.of(arguments.pull, connection.budget(arguments))
    found = registry.pull(digest)
    for path, content in found.items():
        files.write_text(arguments.to, path, files.text_in(content, path))
    console.note(f"{arguments.pull}: {len(found)} files")
    return ExitCode.OK
