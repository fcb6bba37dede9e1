"""Macros in the text parameters of a run: common/util/parameter_formatter.go, as v2_template.go `RunWorkflow` uses it.

They are expanded when the run's workflow is made, so what the API shows keeps them. There is no scheduled time and no
index then: those stay. So do all in the runs of a schedule, which is compiled with its parameters when it is created
(crd/controller/scheduledworkflow/util/scheduled_workflow.go formats the workflow's arguments, which hold none of them).
Maps and lists are not looked into. `{{$.scheduledTime.strftime('…')}}` is not done here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.devserver.records import Run

_MACRO = re.compile(r"\[\[(.*?)\]\]")
_DEFAULT = "20060102150405"
# Go's time.Format, the reference time's parts → strftime; in the order in which they are looked for.
_LAYOUT: Mapping[str, str] = {
    "January": "%B", "Jan": "%b", "Monday": "%A", "Mon": "%a", "MST": "UTC", "2006": "%Y", "002": "%j", "01": "%m",
    "02": "%d", "03": "%I", "04": "%M", "05": "%S", "06": "%y", "15": "%H", "PM": "%p", "Z07:00": "Z",
    "-07:00": "+00:00", "-0700": "+0000",
}  # fmt: skip
_PART = re.compile("|".join(map(re.escape, _LAYOUT)))


def expanded(run: Run) -> dict[str, Any]:
    """The parameters that the steps of a run get."""
    given: Mapping[str, Any] = run.runtime_config.get("parameters", {})
    return {
        name: _MACRO.sub(lambda found: _macro(found, run), value)
        if isinstance(value, str) and not run.recurring_run_id
        else value
        for name, value in given.items()
    }


def _macro(found: re.Match[str], run: Run) -> str:
    name, _, layout = found[1].partition(".")
    if name == "RunUUID":
        return run.id
    if name == "CurrentTime":
        return _at(run.created, layout)
    return found[0]


def _at(second: int, layout: str) -> str:
    moment = datetime.fromtimestamp(second, UTC)
    return _PART.sub(lambda part: moment.strftime(_LAYOUT[part[0]]), layout or _DEFAULT)
