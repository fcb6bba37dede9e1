"""What acting on forecasts is worth: an autoscaler played minute by minute over real usage, with floors and without.

Eight servers and two cells (or `ACTING_USAGE=FILE.csv`: timestamp, service, cpu in five-minute steps), the newest two
weeks (one, where there are less than three), each day's floors by what was known before it. Modelled, and so to be
borne in mind:

* usage is five-minute means, joined by straight lines; peaks within a step are in no plan
* a pod serves its request and no more, so demand beyond what is ready shows as 100 % utilisation
* cpu is seen as the mean of the last minute, every 15 seconds; target 70 %, tolerance 10 %, up to max(2 n, n + 4) pods
  a sync, down after 300 seconds; a floor is one more metric, acted upon exactly
* pods serve 1, 5 or 10 minutes after their order and are paid for from it on; floors are chosen for 5 minutes
* floors count 10 minutes early; demand that was not served is gone, it does not queue
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from predictive_scaling.recommend.acting.choice import Outcome, outcomes

from ..house import Figure, Row, Settings
from . import plans
from .usage import Service, services

READY = (5.0, 1.0, 10.0)
WEEKS, WEEK = 2, 7
OURS, ALONE, WEEK_OLD = "chosen floors", "autoscaler alone", "week-old maximum, PromQL"
WANTED_OF_WEEK_OLD, WANTED_OF_ALONE = 0.5, 0.25
MOST_PODS = 1.3


def rows(settings: Settings) -> Iterator[Row]:
    """One pair of rows for each time that a pod takes to serve."""
    days = WEEKS * WEEK
    found = services(days, settings.size)
    if not found:
        days = WEEK
        found = services(days, settings.size)
    made = _made(found, days)
    for ready in READY:
        played = _played(found, made, days, ready)
        yield from _compared(played, ready, len(found), days)


def _made(found: Sequence[Service], days: int) -> dict[str, plans.Plan]:
    forecasts = [plans.forecasts_of(each, days) for each in found]
    simple = plans.simple(found, forecasts, days)
    chosen, choice = plans.ours(found, forecasts, days)
    return simple | {OURS: chosen, "the same, knowing the day": plans.hindsight(found, days, choice.rate)}


def _played(
    found: Sequence[Service], made: Mapping[str, plans.Plan], days: int, ready: float
) -> dict[str, Outcome]:
    pasts = [each.past for each in found]
    newest = [range(past.days - days, past.days) for past in pasts]
    results = outcomes(pasts, newest, list(made.values()), plans.autoscaler(ready))
    return dict(zip(made, results, strict=True))


def _compared(played: Mapping[str, Outcome], ready: float, number: int, days: int) -> Iterator[Row]:
    case = f"{number} services, {days} days, pods ready after {ready:.0f} min: minutes unserved"
    pods = {name: float(each.pods.mean()) for name, each in played.items()}
    of_week, of_alone = pods[OURS] / pods[WEEK_OLD], pods[OURS] / pods[ALONE]
    details = tuple(_line(name, each, played[ALONE]) for name, each in played.items())
    peers = (
        (WEEK_OLD, WANTED_OF_WEEK_OLD, f"at {of_week:.2f} × its pod-hours (wanted: no more)", details),
        (ALONE, WANTED_OF_ALONE, f"at {of_alone:.2f} × its pod-hours (wanted: at most {MOST_PODS})", ()),
    )
    for peer, wanted, note, lines in peers:
        yield Row(
            f"{case}, against {peer}",
            *(
                Figure(name, share, share)
                for name, share in ((each, _unserved(played[each])) for each in (OURS, peer))
            ),
            unit="% of minutes",
            wanted=wanted,
            note=note,
            details=lines,
        )


def _unserved(outcome: Outcome) -> float:
    return 100 * float(outcome.unserved.mean())


def _line(name: str, outcome: Outcome, alone: Outcome) -> dict[str, str | float]:
    return {
        "plan": name,
        "unserved %": _unserved(outcome),
        "above 85 % of ready": 100 * float(outcome.tight.mean()),
        "pods": float(outcome.pods.mean()),
        "pods / alone": float(outcome.pods.mean() / alone.pods.mean()),
        "scalings/day": float(outcome.scalings.mean()),
    }
