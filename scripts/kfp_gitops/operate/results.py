"""What the tasks of a server's run gave, named as people wrote its pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.kfpserver.metadata import Metadata, RunResults
from kfp_gitops.kfpserver.runtree import View
from kfp_gitops.operate.following import Shown, Watch


@dataclass(frozen=True)
class Results:
    """Reads runs, and what they gave."""

    watch: Watch
    metadata: Metadata

    def results(self, run_id: str) -> RunResults:
        """Those of a run, with its pipeline's own.

        Raises:
            GitOpsError: they cannot be told, or there is no such run.
        """
        return self.of(self.watch.look(run_id))

    def of(self, shown: Shown) -> RunResults:
        """Those of a run that has been read."""
        found = shown.version.spec if shown.version else {}
        told = self.metadata.results(shown.run.id).of_pipeline(found.get("pipeline_spec", found))
        return told.named(dict(_names(shown.tasks)))


@dataclass(frozen=True)
class Left:
    """What a run left for the runs that it starts: (task, output) → a value, or a URI; its own under ""."""

    outputs: Mapping[tuple[str, str], Any]


@dataclass(frozen=True)
class ForTriggers:
    """The same by the tasks' ids alone, as triggers name outputs."""

    of: Results

    def results(self, run_id: str) -> Left:
        """Those of a run; raises as `Results.results`."""
        return Left(self.of.results(run_id).of_ids)


def _names(
    views: Sequence[View], path: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Path in the IR → the ids of the manifest."""
    for view in views:
        here = ((*path, view.key), (*names, view.id))
        yield here
        yield from _names(view.inside, *here)
