"""What is delivered where `delivery.artifact` is set: all that is mounted, in one OCI image by its digest.

The digest is known when rendering, for nothing has to be pushed to know it (`base.oci`): it stands in the Job and its
checks, and CI pushes those very bytes before they are merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, UsageError
from kfp_gitops.base.oci import Image
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
