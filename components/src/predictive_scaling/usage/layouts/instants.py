"""Instants of other tools as ISO 8601 in UTC."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.layouts.mapping import Instants
from predictive_scaling.usage.row_checks import ZONED
from predictive_scaling.usage.tables import ISO_FORMAT, numeric

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_DIGITS = {"s": (9, 10), "ms": (12, 13), "us": (15, 16), "ns": (18, 19)}
"""Of an epoch from 1973 to 2286, which no two units share."""


def instants(texts: pd.Series[str], how: Instants) -> pd.Series[str]:
    """ISO 8601 with a Z. Raises InputError for a zone or unit that cannot be told, or what is no time."""
    if how.unit == "iso" or (how.unit == "auto" and not texts.str.fullmatch(r"\d{1,19}(\.\d+)?").any()):
        return _formatted(_texts(texts, how))
    unit = how.unit if how.unit != "auto" else _unit(texts, how)
    numbers = numeric(texts)
    if numbers.isna().any():
        raise InputError(f"{int(numbers.isna().sum())} times are no numbers of {unit}")
    since = pd.Timestamp(how.start.replace(" ", "T")) if how.start else pd.Timestamp(0, unit="s", tz="UTC")
    seconds = (numbers.astype("float64") * SECONDS[unit]).round().astype("int64")
    return _formatted((since.tz_convert("UTC") + pd.to_timedelta(seconds, unit="s")).dt.as_unit("s"))


def _unit(texts: pd.Series[str], how: Instants) -> str:
    """By the number of digits; a count from a start of its own says nothing by that."""
    lengths = set(texts.str.extract(r"^(\d+)")[0].str.len())
    fitting = [name for name, digits in _DIGITS.items() if lengths <= set(digits)]
    if how.start or len(fitting) != 1:
        raise InputError("times are numbers of an unknown unit: say timestamp.unit: s, ms, us or ns in --map")
    return fitting[0]


def _texts(texts: pd.Series[str], how: Instants) -> pd.Series[pd.Timestamp]:
    zoned = texts.str.contains(ZONED, regex=True)
    if not zoned.all() and not how.zone:
        raise InputError(
            f"{int((~zoned).sum())} times have no zone: say it, such as timestamp.zone: Europe/Berlin or UTC in --map"
        )
    try:
        zone = ZoneInfo(how.zone or "UTC")
        with_zone = pd.to_datetime(texts.where(zoned), utc=True, format="ISO8601")
        local = pd.to_datetime(texts.mask(zoned), format="ISO8601")
    except (ZoneInfoNotFoundError, OSError):
        raise InputError(f"timestamp.zone {how.zone[:60]!r} is no zone of the IANA database") from None
    except ValueError:
        raise InputError("times that are no ISO 8601; say timestamp.unit, or write them so") from None
    # The hour that comes twice in autumn and the one that never comes in spring are left out.
    moved = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    found: pd.Series[pd.Timestamp] = with_zone.where(zoned, moved)
    return found


def _formatted(found: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    text: pd.Series[str] = found.dt.strftime(ISO_FORMAT)
    return text
