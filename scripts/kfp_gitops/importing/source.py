"""The compiled file that is imported: its parts, and where in it something stands that a manifest cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.sources.brought import Brought

BRING = (
    "put the whole file beside a template and name it in `spec.ir` "
    "(docs/containers-and-compiled-pipelines.md), or change that in its source"
)


MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a part raises that is not of the shape that KFP's messages give it: of settings for Kubernetes nothing
looked at the shape before."""


OF_TASKS = ("env", "resources")
"""What a task says of a container; the rest is the component's."""


class UnsaidError(Exception):
    """What no manifest says; the text is what it is."""


@dataclass(frozen=True)
class Source:
    """A compiled pipeline and all that was found in it so far that no manifest says."""

    brought: Brought
    problems: list[Problem] = field(default_factory=list)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The first document."""
        found: Mapping[str, Any] = self.brought.spec.value
        return found

    @property
    def path(self) -> str:
        """The file."""
        return self.brought.spec.path

    def component(self, name: str) -> Mapping[str, Any]:
        """A component by its key."""
        found: Mapping[str, Any] = self.spec.get("components", {}).get(name, {})
        return found

    def executor(self, label: str) -> Mapping[str, Any]:
        """An executor by its label."""
        found: Mapping[str, Any] = self.spec.get("deploymentSpec", {}).get("executors", {}).get(label, {})
        return found

    def shared(self, component: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a component is for all tasks that run it, whatever they set besides."""
        executor = dict(self.executor(component.get("executorLabel", "")))
        if "container" in executor:
            executor["container"] = {k: v for k, v in executor["container"].items() if k not in OF_TASKS}
        executor.pop("importer", None)  # each has its own, and all have one name
        return {**component, "executorLabel": executor}

    @property
    def platform(self) -> Mapping[str, Any]:
        """What the second document says for Kubernetes."""
        found: Mapping[str, Any] = {}
        for document in self.brought.values[1:]:
            found = document.get("platforms", {}).get("kubernetes", {})
        return found

    def refuse(self, at: Path, what: str, *, platform: bool = False) -> None:
        """Note what a manifest cannot say, at its place in the file."""
        documents = self.brought.documents
        document: Document = documents[-1 if platform else 0]
        self.problems.append(document.problem(at, f"a manifest cannot say this: {what}", BRING, key=True))


PLATFORM: Path = ("platforms", "kubernetes")


def dag_at(component: str) -> Path:
    """Where the DAG of a component stands; of the pipeline itself when it has no name."""
    return ("components", component, "dag") if component else ("root", "dag")
