"""Parameters of runs that KFP would hand to its driver in one argument, and that are too long for it."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base import gojson
from kfp_gitops.base.errors import Problem
from kfp_gitops.language.manifest import Manifest

# Linux, MAX_ARG_STRLEN: 32 pages with the final 0; see `limits.ARGUMENT`, and `driverargs` for what is compiled.
MOST = 128 * 1024 - 1


def problems(manifest: Manifest) -> Iterator[Problem]:
    """Every schedule and trigger whose parameters, with the defaults of the others, no driver can be given."""
    defaults = {one.name: one.default.value for one in manifest.parameters if one.default is not None}
    for start in manifest.starts:
        size = gojson.size({"parameterValues": {**defaults, **start.constants}})
        if size > MOST:
            what = f"the parameters of its runs are {size} bytes of JSON, one argument of KFP's driver"
            todo = f"hand large values over as an artifact: Linux takes {MOST} bytes in one argument"
            yield manifest.document.problem((*start.at, "parameters"), what, todo, key=True)
