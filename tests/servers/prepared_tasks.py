"""Imported by a prepared local executor: the tasks that it runs are forks of a process that is prepared, too."""

from __future__ import annotations

import os
from types import SimpleNamespace

from kfp_gitops.local.localrun import tasks

vars(tasks)["sys"] = SimpleNamespace(executable=os.environ.pop("PREPARED_EXECUTOR"))
