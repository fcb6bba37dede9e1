"""What a pass asks of others: states of data, results of runs, and what else is to be done while it is at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kfp_gitops.language.manifest import OnData


@dataclass(frozen=True)
class DataState:
    """What is at a URI: `identity` is another one whenever `changes` says that something changed."""

    identity: str
    key: str
    etag: str
    modified: datetime | None
    """Aware; None: the store does not tell."""


class DataStates(Protocol):
    """Where data is looked at."""

    def now(self, on: OnData) -> DataState | None:
        """The state of it; None: nothing is there.

        Raises:
            GitOpsError: it cannot be told, as when the store does not answer.
        """


class RunResults(Protocol):
    """What a run left."""

    @property
    def outputs(self) -> Mapping[tuple[str, str], Any]:
        """(task, output) → a parameter's value, or an artifact's URI; of the whole pipeline ("", output)."""


class Results(Protocol):
    """Where the results of runs are looked up."""

    def results(self, run_id: str) -> RunResults:
        """Those of a run.

        Raises:
            GitOpsError: they cannot be told.
        """
