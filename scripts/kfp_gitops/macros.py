"""Macros that KFP's server (2.16 and later) expands in the text parameters of runs: `[[ScheduledTime]]` and the like.

common/util/parameter_formatter.go. The name stands in double brackets, for a time with Go's layout after a dot:
`[[CurrentTime.2006-01-02]]`. Only what a run or a schedule gives as a text is looked at: no default, no constant, no
text inside a list or map.
"""

from __future__ import annotations

import re

from kfp_gitops.errors import meant

_MACRO = re.compile(r"\[\[(\w+)(?:\.[^\]]*)?\]\]")
OF_ANY_RUN = ("RunUUID", "CurrentTime")
OF_SCHEDULES = ("ScheduledTime", "Index")
KNOWN = (*OF_ANY_RUN, *OF_SCHEDULES)


def names(text: str) -> list[str]:
    """The macros in a text, known or close to a known one."""
    found = [one[1] for one in _MACRO.finditer(text)] if "[[" in text else []
    return [name for name in found if name in KNOWN or meant(name, KNOWN)]
