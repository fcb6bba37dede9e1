"""Macros that KFP's server (2.16 and later) expands in the text parameters of runs: `[[CurrentTime]]` and the like.

common/util/parameter_formatter.go, by apiserver/template/v2_template.go, `RunWorkflow`: when a run is created through
the API, so by hand or by a trigger. Of those, `[[ScheduledTime]]` and `[[Index]]` have no value and stay. A schedule of
a version is compiled when it is registered, its parameters inside; what its controller formats at each firing
(crd/controller/scheduledworkflow/util/scheduled_workflow.go, `NewWorkflow`) are the arguments of the workflow, among
which no parameter of a pipeline is: none is expanded there (read in 2.17.0; kubeflow/pipelines#12494 is open).

The name stands in double brackets, for a time with Go's layout after a dot: `[[CurrentTime.2006-01-02]]`. Only what a
run gives as a text is looked at: no default, no constant, no text inside a list or map.
"""

from __future__ import annotations

import re

from kfp_gitops.base.errors import meant

_MACRO = re.compile(r"\[\[(\w+)(?:\.[^\]]*)?\]\]")
OF_ANY_RUN = ("RunUUID", "CurrentTime")
OF_SCHEDULES = ("ScheduledTime", "Index")
KNOWN = (*OF_ANY_RUN, *OF_SCHEDULES)


def names(text: str) -> list[str]:
    """The macros in a text, known or close to a known one."""
    found = [one[1] for one in _MACRO.finditer(text)] if "[[" in text else []
    return [name for name in found if name in KNOWN or meant(name, KNOWN)]
