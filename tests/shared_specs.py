"""Component specs of a rendered environment, as tests find and edit them: each text has a file named after it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from kfp_gitops.base import files, folders
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.rendering import specs
from kfp_gitops.rendering.rendered import ENVIRONMENT
from project import HERE


def spec_file(root: Path, environment: str, component: str) -> Path:
    """The only file of a component."""
    (found,) = (root / "manifests" / environment / specs.FOLDER).glob(f"{component}-????????.yaml")
    return found


def edit_spec(root: Path, environment: str, component: str, old: str, new: str) -> Path:
    """Another text for all pipelines that use it, under its own name: what rendering another source would leave."""
    path = spec_file(root, environment, component)
    text = path.read_text("utf-8").replace(old, new)
    moved = path.with_name(Path(specs.path(component, specs.hash8(text))).name)
    assert moved != path
    path.unlink()
    moved.write_text(text, "utf-8")
    head = root / "manifests" / environment / ENVIRONMENT
    was = re.compile(rf"^( +{component}: )'?{path.stem[-8:]}'?$", re.MULTILINE)
    told, count = was.subn(rf"\g<1>'{specs.hash8(text)}'", head.read_text("utf-8"))
    assert count
    head.write_text(told, "utf-8")
    return moved


def as_earlier(texts: Mapping[str, str]) -> dict[str, str]:
    """manifests/<env>/ (path → text) as a version wrote it in which each pipeline had its specs in its own folder."""
    found = {path: text for path, text in texts.items() if not path.startswith(specs.PREFIX)}
    head = parse(texts[ENVIRONMENT], ENVIRONMENT).value
    for entry in head["pipelines"]:
        for component, _, path in specs.of_entry(entry):
            found[f"pipelines/{entry['name']}/{specs.PREFIX}{component}.yaml"] = texts[path]
        del entry[specs.FOLDER]
    header = [line for line in texts[ENVIRONMENT].splitlines(keepends=True)[:1] if line.startswith("#")]
    return {**found, ENVIRONMENT: "".join(header) + dump(head)}


def make_earlier(root: Path, environment: str) -> None:
    """The same, of a folder."""
    folder = f"manifests/{environment}"
    texts = files.read_texts(root, folder)
    folders.synchronise(root, folder, as_earlier(texts))


def as_an_earlier_version_wrote_it(root: Path) -> None:
    """manifests/ of the small repository, byte for byte: rendered by the last version of that layout."""
    shutil.rmtree(root / "manifests", ignore_errors=True)
    shutil.copytree(HERE / "data/earlier-layout/manifests", root / "manifests")
