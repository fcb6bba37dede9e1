"""The files of an import: what is added and what is changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.importing.imported import Imported
from kfp_gitops.sources import environment, scaffold
from kfp_gitops.sources.release import TEMPLATES

_NOT_BUILT = f"@sha256:{'0' * 64}"
_TAG = re.compile(r":[\w][\w.-]*\Z")


@dataclass(frozen=True)
class Written:
    """Texts by path, and what those that were there held before."""

    texts: Mapping[str, str]
    before: Mapping[str, str]

    @property
    def added(self) -> Sequence[str]:
        """New files."""
        return [path for path in self.texts if path not in self.before]

    @property
    def changed(self) -> Sequence[str]:
        """Files that were there."""
        return list(self.before)

    def write(self, root: Path) -> None:
        """Write all of them."""
        for path, text in self.texts.items():
            files.write_text(root, path, text)


def written(
    root: Path,
    env: str,
    founds: Mapping[str, Imported],
    beside: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    *,
    home: str = "",
) -> Written:
    """What imports write into a repository; `founds` by the name of the template's folder.

    `beside`: likewise, what the environment says of a pipeline beside its values. `home`: the file of values that takes
    them, when it is not the environment's own.

    Raises:
        InputError: the environment's files cannot take it.
    """
    texts: dict[str, str] = {}
    path, release = home or environment.values_path(env), environment.release_path(env)
    before = {path: files.read_text(root, path), release: files.read_text(root, release)}
    values, images = before[path], before[release]
    for template, found in founds.items():
        texts |= {f"{TEMPLATES}/{template}/{name}": text for name, text in found.template.items()}
        texts |= {f"components/{name}/component.yaml": text for name, text in found.specs.items()}
        said: dict[str, Any] = {"template": template} if template != found.name else {}
        said |= {**beside.get(template, {}), "values": dict(found.values)}
        values = scaffold.with_pipeline(values, path, found.name, said)
        images = _with_images(images, release, found.images)
    taken = [one for one in texts if (root / one).exists()]
    if taken:
        raise InputError.of(
            str(PurePosixPath(taken[0])), "exists already", "remove it, or give another --into"
        )
    texts |= {path: values, release: images}
    same = {one for one, text in before.items() if texts[one] == text}
    return Written(
        {one: text for one, text in texts.items() if one not in same},
        {one: text for one, text in before.items() if one not in same},
    )


def _with_images(text: str, path: str, images: Sequence[str]) -> str:
    """The release with a line for each image that is not by digest; the digest is for a person to fill in."""
    document = parse(text, path)
    known: Mapping[str, Any] = document.value.get("images", {})
    new = {image: f"{_TAG.sub('', image)}{_NOT_BUILT}" for image in images if image not in known}
    if not new:
        return text
    lines = text.splitlines()
    last = max((line for at, (line, _) in document.keys_at.items() if at[:1] == ("images",)), default=0)
    entry = [f"  {line}" for line in dump(new).splitlines()]
    return "\n".join([*lines[:last], *entry, *lines[last:]]) + "\n"
