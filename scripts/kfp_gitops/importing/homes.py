"""In which pipeline of a compiled file something stands: the pipelines inside are what can be kept as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kfp_gitops.importing import kinds
from kfp_gitops.importing.source import Source


@dataclass
class Homes:
    """Component → the component of the pipeline that it is a part of, and pipeline → the one that runs it first."""

    source: Source
    home: dict[str, str] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source) -> Homes:
        """Of all that the whole runs; the whole itself is empty."""
        found = cls(source)
        waiting = [""]
        while waiting:
            pipeline = waiting.pop()
            for _, key, task in kinds.within(source, pipeline):
                called = kinds.runs(task)
                inside = kinds.kind(source, key, task) == "pipeline"
                if inside and called not in found.parent:
                    found.parent[called] = pipeline
                    waiting.append(called)
                found.home.setdefault(called, called if inside else pipeline)
        return found

    def smallest(self, at: Sequence[str | int], but: frozenset[str]) -> str:
        """The innermost pipeline around a place that is not among `but`; empty for the whole."""
        found = self.home.get(self._component(at), "")
        while found and found in but:
            found = self.parent.get(found, "")
        return found

    def _component(self, at: Sequence[str | int]) -> str:
        match tuple(at):
            case ("components", str(component), *_):
                return component
            case ("deploymentSpec", "executors", str(label), *_):
                return self._with_executor(label)
            case ("platforms", str(), "deploymentSpec", "executors", str(label), *_):
                return self._with_executor(label)
        return ""

    def _with_executor(self, label: str) -> str:
        known = self.source.spec.get("components", {}).items()
        return next((name for name, one in known if one.get("executorLabel") == label), "")
