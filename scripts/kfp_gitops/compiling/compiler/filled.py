"""Defaults that a task leaves to its component, where KFP's driver does not know them: handed over by the task itself.

The driver of 2.17.0 puts the inputs into the command line that the container is started with, and fails for one that
the task does not give («not found in executor input»); the launcher, which knows the defaults, comes after it.
"""

from __future__ import annotations

from typing import Any

from kfp_gitops.language.irlint import commandline
from kfp_gitops.language.irlint.view import Ir


def filled(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents of an IR, changed in place: every such default is an argument of the task."""
    ir = Ir(documents[0])
    for parent in ir.all():
        for task in parent.tasks.values():
            for name, declared in list(commandline.left_out(ir, task)):
                if "defaultValue" in declared:
                    given = task.setdefault("inputs", {}).setdefault("parameters", {})
                    given[name] = {"runtimeValue": {"constant": declared["defaultValue"]}}
    return documents
