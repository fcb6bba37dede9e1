"""What is told of a table that cannot be read: names of columns and rows, and nothing that may be anybody's secret."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

MAX_NAMES = 20
# What a column is called: words, units, PromQL labels. No text with a colon, a slash or a key's long run of letters.
_NAME = re.compile(r"(?=.{1,40}$)[A-Za-z_][A-Za-z0-9_]{0,31}([ .-][A-Za-z0-9_()%]{1,24}){0,4}")


def header(frame: pd.DataFrame, wanted: Sequence[str]) -> str:
    """Names of a header that has at least one that is wanted; another first line may be anybody's secret."""
    names = [str(name) for name in frame.columns]
    if names and not (set(names) & set(wanted) and all(map(_NAME.fullmatch, names))):
        return "none of these (the first line is not told, for it is no header of usage)"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return (", ".join(names[:MAX_NAMES]) or "none") + more


def unreadable(texts: pd.Series[str]) -> str:
    """How many instants cannot be read, and in which row the first one is; never what stands there."""
    bad = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce").isna().to_numpy()
    return f"{int(bad.sum())} are no ISO 8601 instants, the first in row {int(bad.argmax()) + 2}"
