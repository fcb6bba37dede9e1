"""Series as other tools name them: Prometheus' JSON, CloudWatch's JSON and CSV, tables with a column for each series.

Every reader gives rows of `at` (text), `series` (its name, and labels as JSON where it has any), and `value`. Answers
that say they are not whole are refused: holes would be learned as usage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.tables import MAX_TEXT, opened

ROWS = ("at", "series", "value")
_DATE = re.compile(r"\d{4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d")
_SELECTOR = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')


def prometheus(path: Path) -> pd.DataFrame:
    """An answer of /api/v1/query_range, whole."""
    document = _json(path)
    if document.get("status") != "success" or document.get("data", {}).get("resultType") != "matrix":
        raise InputError(f"{path.name}: not the answer of a range query (status success, resultType matrix)")
    said = [*(document.get("warnings") or []), *(["isPartial"] if document.get("isPartial") is True else [])]
    if said:
        raise InputError(
            f"{path.name}: Prometheus says that the answer is not whole ({len(said)} warnings); ask again"
        )
    return _rows(
        (str(at), json.dumps(each["metric"]), str(value))
        for each in document["data"]["result"]
        for at, value in each["values"]
    )


def cloudwatch(path: Path) -> pd.DataFrame:
    """What `aws cloudwatch get-metric-data` or `get-metric-statistics` prints, or the console's CSV."""
    with opened(path) as file:
        begins = file.read(1)
    if begins != b"{":
        return _console(path)
    document = _json(path)
    if "Datapoints" in document:
        return _rows(_statistics(document))
    results = document.get("MetricDataResults")
    if not isinstance(results, list):
        raise InputError(f"{path.name}: neither MetricDataResults nor Datapoints: is it CloudWatch's?")
    partial = [
        str(each.get("StatusCode")) for each in results if each.get("StatusCode", "Complete") != "Complete"
    ]
    if partial or document.get("NextToken"):
        raise InputError(
            f"{path.name}: CloudWatch says that it is not whole ({', '.join(sorted(set(partial))) or 'NextToken'}); "
            "ask for the rest, which the AWS CLI does unless --no-paginate is given"
        )
    return _rows(
        (str(at), str(each.get("Label") or each.get("Id")), str(value))
        for each in results
        for at, value in zip(each["Timestamps"], each["Values"], strict=True)
    )


def _statistics(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for each in document["Datapoints"]:
        for name in ("Average", "Sum"):
            if name in each:
                yield str(each["Timestamp"]), str(document.get("Label", "")), str(each[name])
                break


def _console(path: Path) -> pd.DataFrame:
    """Lines of a label each, then rows that begin with a date, in UTC."""
    with opened(path) as file:
        lines = file.read(MAX_TEXT).decode("utf-8-sig").splitlines()
    table = [next(iter(_cells(line)), []) for line in lines]
    heads = {row[0].strip().lower(): row for row in table if row and not _DATE.match(row[0])}
    head = heads.get("label") or heads.get("full label") or heads.get("timestamp")
    if head is None:
        raise InputError(f"{path.name}: no line Label, Full label or Timestamp: is it CloudWatch's CSV?")
    return _rows(
        (row[0].replace("/", "-"), head[place], row[place])
        for row in table
        if row and _DATE.match(row[0])
        for place in range(1, min(len(row), len(head)))
        if row[place].strip()
    )


def _cells(line: str) -> Iterator[list[str]]:
    import csv

    yield from csv.reader([line])


def wide(frame: pd.DataFrame, time: str) -> pd.DataFrame:
    """A table with a column for the time and one for each series."""
    melted = frame.melt(id_vars=[time], var_name="series", value_name="value").rename(columns={time: "at"})
    named = melted.assign(series=[_labels(str(name)) for name in melted["series"]])
    return named[list(ROWS)][named["value"].notna() & (named["value"] != "")]


def _labels(name: str) -> str:
    """`{service="checkout"}` as Grafana calls a series that has no legend, as JSON; any other name is kept."""
    pairs = dict(_SELECTOR.findall(name)) if "{" in name else {}
    return json.dumps(pairs) if pairs else name


def _rows(found: Iterator[tuple[str, str, str]]) -> pd.DataFrame:
    try:
        return pd.DataFrame(list(found), columns=list(ROWS), dtype="str")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "a series is not of the form that this layout has; see docs/usage-data.md"
        ) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        with opened(path) as file:
            data = file.read(MAX_TEXT + 1)
        found = json.loads(data) if len(data) <= MAX_TEXT else None
    except (ValueError, RecursionError, OSError, EOFError):
        raise InputError(f"{path.name}: not JSON") from None
    if not isinstance(found, dict):
        raise InputError(f"{path.name}: not a JSON object of at most {MAX_TEXT >> 20} MiB")
    return found
