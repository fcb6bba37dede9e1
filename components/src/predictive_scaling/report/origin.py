"""What a page says of where it comes from: the release, the usage that was read, its period, the judgement before it.

All of it is known to the step that publishes, which never is answered from a cache: told to the step that judges, the
run's identity would make each of its results a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
from markupsafe import Markup

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document

ZONE = "UTC"
BEGIN, END = "<!-- the judgement -->", "<!-- end of the judgement -->"
"""Around what the page of the judgement says (page.html), for the report to take it in."""


@dataclass(frozen=True)
class Origin:
    """Texts are empty where they are not known; `begin` and `end` are of the usage, the samples' first and last.

    `judged` is what the page of the judgement says, `evaluation` its results, for where there is no such page.
    """

    release: str = ""
    source: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    samples: int = 0
    services: int = 0
    shares: bool = False
    judged: Markup = field(default_factory=Markup)
    evaluation: Sequence[Document] = ()

    def period(self) -> str:
        """The span of the usage that was read, and how much it is."""
        if self.begin is None or self.end is None:
            return "nothing that could be used"
        return f"{stamp(self.begin)} – {stamp(self.end)}, {self.services} services, {self.samples:,} samples"


def with_usage(origin: Origin, clean: pd.DataFrame) -> Origin:
    """The same with the period of validated samples."""
    known = clean.dropna(subset=["timestamp"])
    if known.empty:
        return origin
    begin, end, services = known["timestamp"].min(), known["timestamp"].max(), known["service"].nunique()
    return replace(origin, begin=begin, end=end, samples=len(known), services=int(services))


def inside(page: str) -> Markup:
    """What a page of the judgement says, without its frame; nothing of a page that is none of ours."""
    _, begun, rest = page.partition(BEGIN)
    part, ended, _ = rest.rpartition(END)
    return Markup(part if begun and ended else "")  # noqa: S704 -- made by rendered, which escapes


def shown_source(source: str) -> str:
    """Where usage is from, without a user, password, query or signature that its address may have."""
    words = []
    for word in source.split():
        words.append(_bare(word) if "://" in word else word)
    return " ".join(words)


def _bare(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:  # half an IPv6 address, and the like
        return "an address that cannot be read"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def said(instant: object) -> str:
    """An instant of a document, as people read it."""
    return stamp(parse_instant(str(instant)))


def stamp(instant: datetime) -> str:
    """To the minute, with its zone."""
    return f"{instant:%Y-%m-%d %H:%M} {ZONE}"
