"""Saying what a recommendation notes of its services: a few lines for people, one for each in the log."""

from __future__ import annotations

import logging

from predictive_scaling.base.console import say
from predictive_scaling.base.documents import Document
from predictive_scaling.recommend.notes import notes
from predictive_scaling.tell.logs import log

SHOWN = 5


def tell_notes(document: Document) -> None:
    """Services without a size in one line, for often that is all of them; every other note in its own."""
    unsized = [each for each in document["services"] if "unsized" in each["cpu"]]
    if unsized:
        names = ", ".join(str(each["service"]) for each in unsized[:SHOWN])
        more = f" and {len(unsized) - SHOWN} more" if len(unsized) > SHOWN else ""
        say(f"no replicas for {names}{more}: {unsized[0]['cpu']['unsized']}")
    tell_acting(document)
    for each in unsized:
        log("not sized", level=logging.WARNING, service=each["service"], reason=each["cpu"]["unsized"])
    found = [
        (str(each["service"]), *note)
        for each in document["services"]
        for note in notes(each, str(document["generated_at"]))
    ]
    for service, metric, text in found:
        log("noted", level=logging.WARNING, service=service, metric=metric, reason=text)
    for service, _, text in found[:SHOWN]:
        say(f"{service}: {text}")
    if len(found) > SHOWN:
        say(f"and {len(found) - SHOWN} notes more in the error log")


def tell_acting(document: Document) -> None:
    """What the floors would have been worth on the days before, over all services that have them."""
    cpus = [each["cpu"]["acting"] for each in document["services"] if "acting" in each["cpu"]]
    if not cpus:
        return
    before, after, pods = (
        sum(each[name] for each in cpus) / len(cpus)
        for name in ("unserved_before", "unserved_after", "pods_ratio")
    )
    say(
        f"floors of {len(cpus)} services, played over the days before: demand was above what is ready in "
        f"{before:.2%} of minutes with the autoscaler alone, in {after:.2%} with floors, for {pods:.2f} times its pods"
    )
