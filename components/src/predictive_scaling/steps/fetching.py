"""The step that reads usage from Prometheus."""

from __future__ import annotations

from predictive_scaling.base.clock import resolve_now
from predictive_scaling.base.console import say
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server
from predictive_scaling.steps.data import Loaded
from predictive_scaling.store.opening import open_registry
from predictive_scaling.usage.fetch import Kept, UsageQuery, fetch
from predictive_scaling.usage.prometheus import ROLE
from predictive_scaling.usage.tables import write_table


def fetch_usage(
    data: str, url: str, query: UsageQuery, registry: str = "", run_id: str = "", now_override: str = ""
) -> Loaded:
    """Write usage to `data` as gzipped CSV; without any sample it has its header alone, for validation to refuse.

    `url` empty means the setting PROMETHEUS_URL. With a registry and a run id, complete chunks are kept there.
    """
    address = url or setting("PROMETHEUS_URL")
    if not address:
        raise InputError("no Prometheus is named: give its URL, or set PREDICTIVE_SCALING_PROMETHEUS_URL")
    kept = Kept(open_registry(registry), run_id) if registry and run_id else None
    rows = fetch(Server(ROLE, address), query, resolve_now(now_override), kept)
    write_table(rows, data, compress=True)
    services = sorted(map(str, rows["service"].unique()))
    say(f"{len(rows)} rows of {len(services)} services")
    return Loaded(len(rows), services)
