"""What Git knows of an environment's releases: which one it had at a commit, and which ones it ever had."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp_gitops.base import committed, git
from kfp_gitops.base.committed import Commit, Objects
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources import environment, release, teams, way
from kfp_gitops.sources.release import Sources
from kfp_gitops.sources.values import merge

_WHOLE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SAID = re.compile(r"\+ +release: [\"']?(sha256:[0-9a-f]{64})[\"']?")

# No pull request can move them. In a workflow's clone there may be none, and HEAD is the merge into main itself.
_MAIN = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/heads/main")


@dataclass
class History:
    """A repository up to its HEAD; what was asked for once is kept."""

    root: Path
    head: str
    prefix: str
    shallow: bool
    objects: Objects
    _known: dict[str, bool] = field(default_factory=dict)
    _ancestors: dict[str, bool] = field(default_factory=dict)
    _merged: dict[str, bool] = field(default_factory=dict)
    _inputs: dict[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)
    _digests: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    _read: dict[tuple[str, str], Sources] = field(default_factory=dict)
    _released: dict[str, Mapping[str, list[str]]] = field(default_factory=dict)

    def is_whole(self, commit: str) -> bool:
        """Whether it is a name of a commit that cannot come to mean another one; of SHA-1, or of SHA-256."""
        return len(commit) == len(self.head) and _WHOLE.fullmatch(commit) is not None

    def knows(self, commit: str) -> bool:
        """Whether there is a commit of this full id; neither a tag nor a branch that has such a name."""
        if commit not in self._known:
            self._known[commit] = self.is_whole(commit) and git.commit(self.root, commit) == commit
        return self._known[commit]

    def has(self, commit: str) -> bool:
        """Whether a commit is HEAD or comes before it."""
        if commit not in self._ancestors:
            done = git.call(self.root, "merge-base", "--is-ancestor", commit, self.head)
            self._ancestors[commit] = done.returncode == 0
        return self._ancestors[commit]

    def digest(self, commit: str, source: str, pipeline: str) -> str | None:
        """The digest of the release of a pipeline that an environment had at a commit; None when it had none."""
        asked = commit, source, pipeline
        if asked not in self._digests:
            self._digests[asked] = self._digest(*asked)
        return self._digests[asked]

    def template(self, commit: str, source: str, pipeline: str) -> str:
        """What a pipeline of an environment was made from at a commit, as its values or its entry say."""
        inputs = self._inputs_at(commit, source)
        if inputs.get("follows") == "sources":
            return _template(inputs, pipeline)
        return str(_below(inputs, "pipelines", pipeline).get("template", pipeline))

    def images(self, commit: str, source: str) -> Mapping[str, str]:
        """The image map of an environment at a commit; empty when it had none."""
        return _below(self._inputs_at(commit, source), "images")

    def _inputs_at(self, commit: str, source: str) -> Mapping[str, Any]:
        tree, paths = self._tree(commit), _paths(source)
        folders = teams.folders(source)
        key = tuple(map(tree.identity, (*paths, *folders)))  # most commits change none of them
        if key not in self._inputs:
            self._inputs[key] = _inputs(tree, paths, folders)
        return self._inputs[key]

    def _tree(self, commit: str) -> Commit:
        return Commit(self.objects, commit, self.prefix)

    def _digest(self, commit: str, source: str, pipeline: str) -> str | None:
        tree, inputs = self._tree(commit), self._inputs_at(commit, source)
        try:
            if inputs.get("follows") == "sources":
                return self._sources(commit, source).release(_template(inputs, pipeline)).digest
            images = _below(inputs, "pipelines", pipeline, "images")
            return release.from_pinned(tree, source, pipeline, images).digest
        except InputError:
            return None

    def _sources(self, commit: str, source: str) -> Sources:
        """What an environment renders from at a commit: many of its pipelines have one template."""
        if (commit, source) not in self._read:
            self._read[commit, source] = Sources(self._tree(commit), self.images(commit, source))
        return self._read[commit, source]

    def sources(self, commit: str, source: str, pipeline: str) -> str:
        """The commit of the sources of what was promoted to an environment, as its entry says at a commit."""
        return carried(_below(self._inputs_at(commit, source), "pipelines", pipeline))

    def way(self, commit: str, target: str) -> str:
        """Which environment an environment said at a commit that it is promoted from; empty when it did not say."""
        return str(self._inputs_at(commit, target).get(way.KEY) or "")

    def is_merged(self, commit: str) -> bool:
        """Whether main has a commit; where no main is known, HEAD is taken for it.

        Of what a branch says on its way and takes back before it is merged nobody was shown anything.
        """
        if commit not in self._merged:
            tips = [tip for tip in (git.commit(self.root, name) for name in _MAIN) if tip]
            found = (git.call(self.root, "merge-base", "--is-ancestor", commit, tip) for tip in tips)
            self._merged[commit] = not tips or any(done.returncode == 0 for done in found)
        return self._merged[commit]

    def released(self, source: str) -> Mapping[str, list[str]]:
        """Release digest → the commits by which an environment's manifests came to name it, up to HEAD.

        What a branch had on its way counts for nothing, whatever else it brought: of a merge it is what came of it.
        """
        if source not in self._released:
            self._released[source] = _released(self.root, self.head, f"manifests/{source}/environment.yaml")
        return self._released[source]

    def where(self, source: str, pipeline: str, digest: str, through: tuple[str, ...]) -> str | None:
        """A commit at which an environment had that very release of a pipeline; HEAD where it has it still."""
        candidates = [self.head, *self.released(source).get(digest, ())]
        found = (each for each in candidates if self.bears_out(each, source, pipeline, digest, through))
        return next(found, None)

    def bears_out(
        self, commit: str, source: str, pipeline: str, digest: str, through: tuple[str, ...]
    ) -> bool:
        """Whether an environment had a release at a commit, and rightly: as its sources were, or promoted to it.

        `through`: the environments that stand on it. None bears itself out, or a forged copy would be its own proof.
        """
        if source in through or self.digest(commit, source, pipeline) != digest:
            return False
        inputs = self._inputs_at(commit, source)
        if inputs.get("follows") == "sources":
            return True
        said, beyond = _below(inputs, "pipelines", pipeline), (*through, source)
        origin, at = said.get("from"), said.get("commit")
        if not isinstance(origin, str):
            return False
        if at is None:
            return self.where(origin, pipeline, digest, beyond) is not None
        known = isinstance(at, str) and self.knows(at) and self.has(at)
        return known and self.bears_out(at, origin, pipeline, digest, beyond)


def carried(entry: Mapping[str, Any]) -> str:
    """The commit of the sources that an entry of release.yaml hands on to the next environment; empty without one."""
    return str(entry.get("sources") or entry.get("commit") or "")


@contextmanager
def history(root: Path) -> Iterator[History | None]:
    """The history of a folder; None where nothing of it is committed.

    Raises:
        RemoteError: there is a repository, and git does not read it.
        UsageError: there is one, and no git.
    """
    head = _head(root)
    if head is None:
        yield None
        return
    shallow = git.output(root, "rev-parse", "--is-shallow-repository") == "true"
    with committed.objects(root) as objects:
        prefix = git.output(root, "rev-parse", "--show-prefix")
        known = Commit(objects, head, prefix).holds("environments")
        yield History(root, head, prefix, shallow, objects) if known else None


def _head(root: Path) -> str | None:
    above = [root.resolve(), *root.resolve().parents]
    if not any((folder / ".git").exists() for folder in above):
        return None
    git.output(root, "rev-parse", "--git-dir")  # one that git refuses is not the same as none
    return git.commit(root, "HEAD")


def _paths(source: str) -> tuple[str, str, str]:
    return environment.BASE, environment.values_path(source), environment.release_path(source)


def _inputs(tree: Commit, paths: tuple[str, str, str], folders: tuple[str, str]) -> Mapping[str, Any]:
    """What of an environment's inputs its releases are made of; of any version of their schemas."""
    try:
        base, over, released = (parse(tree.read_text(path), path, release.bounds_of(path)) for path in paths)
    except InputError:
        return {}
    found = merge(base, over).value
    follows = found.get("follows") if isinstance(found, dict) else None
    return {
        "follows": follows,
        way.KEY: found.get(way.KEY) if isinstance(found, dict) else None,
        "images": _below(released.value, "images"),
        "pipelines": _below(released.value, "pipelines"),
        "templates": {**_templates(_below(found, "pipelines")), **_of_teams(tree, *folders)},
    }


def _of_teams(tree: Commit, common: str, own: str) -> dict[str, str]:
    """Pipeline → template, of the files of teams."""
    found: dict[str, str] = {}
    for name in tree.list_files(own):
        sides = [_pipelines_in(tree, f"{folder}/{name}") for folder in (common, own)]
        merged = {
            pipeline: {**_below(sides[0], pipeline), **_below(sides[1], pipeline)} for pipeline in sides[1]
        }
        found |= _templates(merged)
    return found


def _pipelines_in(tree: Commit, path: str) -> Mapping[str, Any]:
    try:
        return _below(parse(tree.read_text(path), path).value, "pipelines") if tree.holds(path) else {}
    except InputError:
        return {}


def _templates(entries: Mapping[str, Any]) -> dict[str, str]:
    """Pipeline → template, of those that name one."""
    named = {name: _below(entry).get("template") for name, entry in entries.items()}
    return {name: template for name, template in named.items() if isinstance(template, str)}


def _template(inputs: Mapping[str, Any], pipeline: str) -> str:
    return str(_below(inputs, "templates").get(pipeline, pipeline))


def _below(value: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _released(root: Path, head: str, path: str) -> Mapping[str, list[str]]:
    """Newest first. `--text`: no attribute hides what the file says."""
    # Who merges main into a branch has main's own line as a second parent, so it is named beside HEAD's.
    tips = [head, *filter(None, (git.commit(root, name) for name in _MAIN))]
    commits = git.output(root, "rev-list", "--first-parent", *tips, "--", path)
    how = (
        "--root",
        "-m",
        "--first-parent",
        "--patch",
        "--unified=0",
        "--text",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
    )
    command = ("diff-tree", "--stdin", *how, "--no-renames", "--format=commit %H", "--relative")
    found: dict[str, list[str]] = {}
    commit = ""
    for line in git.output(root, *command, "--", path, given=f"{commits}\n".encode()).splitlines():
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif said := _SAID.fullmatch(line.rstrip()):
            found.setdefault(said[1], []).append(commit)
    return found
