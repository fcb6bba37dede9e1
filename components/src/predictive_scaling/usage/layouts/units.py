"""Units of other tools, as factors to cores and bytes."""

from __future__ import annotations

import re

from predictive_scaling.base.errors import InputError

CORES = {
    "cores": 1.0,
    "millicores": 1e-3,
    "nanocores": 1e-9,
    "percent": 1e-2,
    "share": 1.0,
    "cpu-units": 1 / 1024,  # ECS: 1024 are one vCPU
}
"""percent and share are of `of` cores."""
SIZES = {
    "bytes": 1.0,
    **{f"{unit}B": 1000.0**at for at, unit in enumerate(("k", "M", "G", "T"), start=1)},
    **{f"{unit}iB": 1024.0**at for at, unit in enumerate(("K", "M", "G", "T"), start=1)},
    "percent": 1e-2,
    "share": 1.0,
}
RATES = {"": 1.0, "per-second": 1.0, "per-minute": 1 / 60, "per-hour": 1 / 3600}
_AMOUNT = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})")


def amount(given: object, *, memory: bool) -> float:
    """What a percentage is of: a number of cores, or a size such as 16GiB or 16Gi. Raises InputError."""
    found = _AMOUNT.fullmatch(str(given).strip())
    if not found or isinstance(given, bool):
        raise InputError("must be a number of cores such as 4, or a size such as 16GiB")
    number, unit = float(found[1]), found[2]
    if unit and not memory:
        raise InputError("must be a number of cores such as 4")
    name = unit if unit.endswith("B") or not unit else f"{unit}B"
    if unit and name not in SIZES:
        raise InputError(f"{unit!r} is no unit of a size; write such as 16GiB")
    if number <= 0:
        raise InputError("must be more than nothing")
    return number * (SIZES[name] if unit else 1.0)
