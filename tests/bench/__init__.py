"""Benchmarks: `make bench [SECTION=render] [JSON=FILE]`. Speed is a ratio against a peer, never a timed test.

A section is one module here, named in `SECTIONS`, with one function:

    def rows(settings: Settings) -> Iterator[Row]

It makes what it measures in `settings.folder` (an empty folder of its own), at the size `settings.size` unless that
is None, and yields a `Row` for each comparison. `house.compare` makes the row of two whole processes: both run cold
(each in an empty HOME, without caches), alternating, `settings.rounds` times, and once more to see the peak memory of
their process trees. A section that measures something else (errors, bytes, requests) makes its rows itself.
"""

SECTIONS = (
    "start",
    "render",
    "compile",
    "image",
    "diff",
    "forecast",
    "acting",
    "often",
    "reconcile",
    "triggers",
    "growth",
    "status",
)
