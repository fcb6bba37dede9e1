"""The forecast report of a step that publishes: what it shows beside the document, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from predictive_scaling.backtest.freshness import told
from predictive_scaling.base.documents import Document, write_bytes
from predictive_scaling.shapes.shape import Shape
from predictive_scaling.steps.data import in_shares


@dataclass(frozen=True)
class Report:
    """Where the page goes, and what only the run knows of it: empty is not known.

    `judged` is the path of the page that validate_model wrote; `source` says in words or by its address where the usage
    is from; `release` is the digest of what the pipeline was rendered from.
    """

    path: str
    judged: str = ""
    release: str = ""
    source: str = ""

    def write(
        self,
        document: Document,
        shapes: Sequence[Shape],
        clean: pd.DataFrame,
        validation: str,
        evaluation: Document | None = None,
    ) -> None:
        """Write the page of a document; `clean` are the samples that it was made from, `validation` judged them."""
        from predictive_scaling.report.actions import page  # with what draws and fills templates
        from predictive_scaling.report.origin import Origin, inside, shown_source, with_usage

        judged = inside(Path(self.judged).read_text("utf-8")) if self.judged else Markup()
        scored, gained = evaluation or {}, ""
        if "freshness" in scored:
            gained = told(scored["freshness"])
        origin = Origin(
            self.release,
            shown_source(self.source),
            shares=in_shares(validation),
            judged=judged,
            evaluation=scored.get("results", ()),
        )
        write_bytes(self.path, page(document, shapes, gained, with_usage(origin, clean)).encode())
