"""Pipelines and schedules as other tools keep them in Git, as far as they are said here.

A file is read (`operator`, `deploykf`) into what its pipelines ask for (`asked`); each field that has no counterpart
is told at its line (`fields`). With the IR of a pipeline what is asked for it becomes schedules (`fitted`).
"""

from kfp_gitops.importing.foreign.asked import Asked, Found, Wanted
from kfp_gitops.importing.foreign.fitted import Fitted, fitted
from kfp_gitops.importing.foreign.read import is_foreign, read

__all__ = ["Asked", "Fitted", "Found", "Wanted", "fitted", "is_foreign", "read"]
