"""What is delivered where `delivery.artifact` is set: all that is mounted, in one OCI image by its digest.

The digest is known when rendering, for nothing has to be pushed to know it (`base.oci`): it stands in the Job and its
checks, and CI pushes those very bytes before they are merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, Problem, UsageError
from kfp_gitops.base.oci import Image
from kfp_gitops.base.ustar import BadArchiveError
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.rendering import planfile, specs
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER, LOCK
from kfp_gitops.sources.environment import Environment

_TOP = (ENVIRONMENT, LOCK, planfile.NAME)
_FOLDERS = (f"{INNER}/", specs.PREFIX)


def is_wanted(env: Environment) -> bool:
    """Whether an environment is delivered so."""
    return "artifact" in env.delivery


def image(texts: Mapping[str, str]) -> Image:
    """Of the texts of manifests/<env>/, by their paths there."""
    return Image({path: text for path, text in texts.items() if path in _TOP or path.startswith(_FOLDERS)})


def reference(env: Environment, found: Image) -> str:
    """By which it is pulled: `registry.example.com/team/prod@sha256:…`."""
    return f"{env.delivery['artifact']['repository']}@{found.digest}"


def faults(folder: str, texts: Mapping[str, str]) -> Iterator[Problem]:
    """Where what is mounted is another image than that of the texts: people read these, and that is delivered."""
    named = {path: [*_mounted(path, text)] for path, text in texts.items() if "/" not in path}
    found = image(texts)
    for path in (path for path, references in named.items() if references):
        try:
            right = all(one.endswith(f"@{found.digest}") for one in named[path])
        except BadArchiveError:  # of these files there is no image
            right = False
        if not right:
            what = "mounts another image than the files beside it are, and it is what is delivered"
            todo = f"run `python scripts/render.py --env {folder.rpartition('/')[2]} --lock` and commit"
            yield Problem(f"{folder}/{path}", 0, 0, what, todo)


def _mounted(path: str, text: str) -> Iterator[str]:
    """The images whose files a pod of a manifest gets; a volume's, or what an init container pulls."""
    if path not in _TOP and ("reference:" in text or "--pull" in text):
        for document in parse_all(text, path):
            yield from _references(document.value)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for before, item in pairwise(value) if before == "--pull" and isinstance(item, str))
    of_volume = value.get("image") if isinstance(value, Mapping) else None
    if isinstance(of_volume, Mapping) and isinstance(of_volume.get("reference"), str):
        yield of_volume["reference"]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _references(item)


def standing(root: Path, env: Environment) -> Image:
    """Of manifests/<env>/ as it is on the disk.

    Raises:
        UsageError: the environment is not delivered so.
        InputError: its Job names another digest: it has to be rendered.
    """
    if not is_wanted(env):
        todo = "set `delivery.artifact` in its values (docs/delivery.md, «An artifact by digest»)"
        raise UsageError(f"{env.name} is not delivered as an artifact; {todo}")
    folder = f"manifests/{env.name}"
    names = [name for name in files.list_files(root, folder) if name in _TOP or name.startswith(_FOLDERS)]
    found = image({name: files.read_text(root, f"{folder}/{name}") for name in names})
    job = f"{folder}/apply-job.yaml"
    if reference(env, found) not in files.read_text(root, job):
        what, todo = f"does not name {found.digest}", f"python scripts/render.py --env {env.name} --lock"
        raise InputError.of(job, what, f"run `{todo}`, and commit")
    return found
