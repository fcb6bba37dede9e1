"""The step that reads usage from Prometheus."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from predictive_scaling.backtest.needs import needs
from predictive_scaling.base.clock import resolve_now
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import pretty_bytes, write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server
from predictive_scaling.shapes.cluster import shapes as shapes_of
from predictive_scaling.shapes.document import shapes_document
from predictive_scaling.shapes.shape import Shape
from predictive_scaling.steps.data import Loaded
from predictive_scaling.store.opening import open_registry
from predictive_scaling.tell.pushing import push_data
from predictive_scaling.usage.asking import Kept
from predictive_scaling.usage.choosing import nothing
from predictive_scaling.usage.columns import RULES
from predictive_scaling.usage.fetch import GIVEN, Fetched, UsageQuery, fetch
from predictive_scaling.usage.prometheus import ROLE, Vector
from predictive_scaling.usage.prometheus import query as ask_query
from predictive_scaling.usage.tables import write_table

DAY = pd.Timedelta(days=1)
SHOWN = 8
SHAPE_DAYS = 14
"""Days in which what containers used, and what held them back, is looked at."""


class NoUsageError(InputError):
    """Prometheus has no usage of what was asked for; the message says what to look at."""


def fetch_usage(
    data: str,
    url: str,
    query: UsageQuery,
    registry: str = "",
    run_id: str = "",
    now_override: str = "",
    *,
    shapes: str = "",
    keep_usage: str = "",
) -> Loaded:
    """Write usage to `data` as gzipped CSV; say where it is from, how far back it reaches and what that is enough for.

    `url` empty means the setting PROMETHEUS_URL, a query's namespace empty NAMESPACE. With a registry and a run id,
    complete chunks are kept there. With `keep_usage` a run leaves what it fetched in the registry for the next one:
    `extend` asks only for what is new, `renew` for everything. At the path `shapes` the document of what the services
    are is written, without a namespace an empty one. Raises NoUsageError when there is no row; `data` then has its
    header alone.
    """
    address = url or setting("PROMETHEUS_URL")
    if not address:
        raise InputError("no Prometheus is named: give its URL, or set PREDICTIVE_SCALING_PROMETHEUS_URL")
    query = replace(query, namespace=query.namespace or setting("NAMESPACE"))
    kept = Kept(open_registry(registry), run_id) if registry and run_id else None
    how = keep_usage if kept else ""
    server, now = Server(ROLE, address), resolve_now(now_override)
    found = fetch(server, query, now, kept, how)
    write_table(found.rows, data, compress=True)
    if shapes:
        write_bytes(
            shapes, pretty_bytes(shapes_document(_shapes(server, query, found, int(now.timestamp()))))
        )
    services = sorted(map(str, found.rows["service"].unique()))
    say("\n".join([_summary(found, query, len(services)), *found.remarks, *_reach(found.rows, query)]))
    if found.rows.empty:
        push_data({}, 0)  # what follows in a pipeline does not run: the alert of a run without data is ours
        why = "" if query.all_given else f": {nothing(server, query.selection, int(now.timestamp()))}"
        raise NoUsageError(f"no usage of the last {query.days} days{why}")
    return Loaded(len(found.rows), services)


def _shapes(server: Server, query: UsageQuery, found: Fetched, at: int) -> list[Shape]:
    """What the services are at an instant; the container that their memory was read of is the main one."""
    if not query.namespace:
        return []

    def ask(expression: str) -> list[Vector]:
        return ask_query(server, expression, at)

    return [
        replace(each, main=_main(each, found)) if each.main is None else each
        for each in shapes_of(ask, query.namespace, min(query.days, SHAPE_DAYS))
    ]


def _main(shape: Shape, found: Fetched) -> str | None:
    name = found.containers.get(shape.service)
    return name if name in {each.name for each in shape.containers} else None


def _summary(found: Fetched, query: UsageQuery, services: int) -> str:
    text = f"{len(found.rows)} rows of {services} services"
    if found.source == GIVEN:
        return text
    place = f" of namespace {query.namespace}" if query.namespace else ""
    series = "recorded" if found.source == RULES else "raw"
    return f"{text}{place}, from the {series} series" + (f": {found.reason}" if found.reason else "")


def _reach(rows: pd.DataFrame, query: UsageQuery) -> list[str]:
    """How far back the table reaches, service by service where they differ, and what that is enough for."""
    if rows.empty:
        return []
    step = pd.Timedelta(seconds=query.seconds)
    at = pd.to_datetime(rows["timestamp"], utc=True)
    spans = at.groupby(rows["service"]).agg(["min", "max"])
    days = {str(name): float((last - first + step) / DAY) for name, first, last in spans.itertuples()}
    longest = max(days.values())
    text = f"{query.days} days were asked for, {longest:.1f} are there, since {at.min():%Y-%m-%dT%H:%MZ}"
    shorter = [f"{name} {each:.1f}" for name, each in sorted(days.items()) if each < longest - 1]
    if shorter:
        more = f" and {len(shorter) - SHOWN} more" if len(shorter) > SHOWN else ""
        text += f"; of {', '.join(shorter[:SHOWN])}{more}"
    return [text, enough(longest)]


def enough(days: float) -> str:
    """What so many days are enough for, and from when on there is more."""
    reached = [each.what for each in needs() if each.days <= days]
    missing = [f"{each.what} from {each.days:g} days on" for each in needs() if each.days > days]
    first = f"enough for {', '.join(reached)}" if reached else "enough for nothing yet"
    return f"{first}; {', '.join(missing)}" if missing else first
