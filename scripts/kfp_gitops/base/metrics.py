"""What a command tells a Prometheus Pushgateway: how it went, what it found, when it last succeeded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass

from kfp_gitops.base import redact, weburls
from kfp_gitops.base.errors import UsageError

_JOB = "kfp_gitops"
TIMEOUT = 5.0
"""Seconds that a push may take."""
_Gauges = Sequence[tuple[str, str, str]]
SUCCESS = frozenset({0, 1})
"""Exit codes of a command that did its work, whether it found differences or not."""


@dataclass(frozen=True)
class Promised:
    """What a pipeline promises and keeps; times in seconds, None where it promises nothing or nothing is known."""

    fresh: float | None
    duration: float | None
    last_success: float | None
    """When the newest run that succeeded ended, since 1970."""
    took: float | None
    """How long that run took."""
    broken: frozenset[str]
    """Of `fresh` and `duration`."""


@dataclass(frozen=True)
class Standing:
    """How a trigger that waits for runs or data stands."""

    waiting: int
    """Causes that have no run yet."""
    oldest: float | None
    """When the oldest of them came about, since 1970."""
    missed: int
    """Causes of the last day that get no run, though nobody held them back, and that nobody has made up for."""
    unclear: int
    """Runs that KFP may have started although it lists none."""
    problem: bool
    """Whether it could not be told what is due."""


_OF_TRIGGERS = (
    ("waiting", "trigger_waiting_causes", "causes that wait for their run"),
    ("oldest", "trigger_oldest_waiting_timestamp_seconds", "when the oldest cause that waits came about"),
    ("missed", "trigger_missed_causes", "causes of the last day that get no run"),
    ("unclear", "trigger_unclear_runs", "runs that KFP may have started although it lists none"),
    ("problem", "trigger_unknown", "whether it could not be told what is due"),
)
"""Field of `Standing`, the gauge that tells it, and what that is."""


@dataclass(frozen=True)
class Backfill:
    """How a backfill that Git asks for stands; firings, but for `unclear` and `stalled`."""

    firings: int
    done: int
    """Whose run has ended, or that had run already."""
    running: int
    failed: int
    """Those of `done` whose run failed, was deleted, or is unclear."""
    unclear: int
    """Runs that KFP may have started although it lists none, of the first that failed."""
    stalled: bool
    """Whether nothing of it goes on though firings are left, and no pause holds it."""


_OF_BACKFILLS = (
    ("firings", "backfill_firings", "firings that a backfill asks for"),
    ("done", "backfill_done_firings", "firings whose run has ended, or that had run already"),
    ("running", "backfill_running_firings", "firings whose run goes on"),
    ("failed", "backfill_failed_firings", "firings whose run failed, was deleted or is unclear"),
    ("unclear", "backfill_unclear_runs", "runs that KFP may have started although it lists none"),
    ("stalled", "backfill_stalled", "whether nothing of it goes on though firings are left"),
)
"""Field of `Backfill`, the gauge that tells it, and what that is."""

_OF_PROMISES = (
    ("fresh", "slo_fresh_seconds", "how long ago the newest success may have ended"),
    ("duration", "slo_duration_seconds", "how long a run may take"),
    ("last_success", "pipeline_last_success_timestamp_seconds", "when the newest run that succeeded ended"),
    ("took", "pipeline_duration_seconds", "how long the newest run that succeeded took"),
)
"""Field of `Promised`, the gauge that tells it, and what that is."""


@dataclass
class Report:
    """Filled while a command works."""

    environment: str
    command: str
    objects: dict[tuple[str, str], int] = field(default_factory=dict)
    """(action, kind) → how many."""
    drift: int | None = None
    faults: int | None = None
    """Of the server, or of the environment as a whole; None where nobody looked."""
    moved: Sequence[object] | None = None
    """Objects that are not as in the plan that was approved; None where none is asked for."""
    missed: dict[tuple[str, str], int] = field(default_factory=dict)
    """(pipeline, schedule) → firings that had no run."""
    failed: dict[str, bool] = field(default_factory=dict)
    """Pipeline → whether its newest finished run failed."""
    promises: dict[str, Promised] = field(default_factory=dict)
    """Pipeline → what it promises; those that promise nothing are not in it."""
    period: float | None = None
    """Seconds from one run to the next at most, where it is run at regular times: later, it is missing."""
    triggers: dict[tuple[str, str], Standing] = field(default_factory=dict)
    """(pipeline, trigger) → how it stands, where a pass looked."""
    backfills: dict[tuple[str, str], Backfill] = field(default_factory=dict)
    """(pipeline, backfill) → how it stands, of those that go on, or of which something failed lately."""
    teams: dict[str, str] = field(default_factory=dict)
    """Pipeline → the team whose it is; a label beside the pipeline's, which makes no series more."""
    began: float = field(default_factory=time.monotonic)
    """Not by the clock on the wall, which may be set meanwhile."""

    def planned(self, changes: Iterable[tuple[str, str]]) -> None:
        """Count what happens to objects: pairs of action and kind."""
        self.objects = dict(Counter(changes))


def checked(url: str) -> str:
    """The address of a Pushgateway.

    Raises:
        UsageError: it is no http(s) URL, or holds a password, which logs would then show.
    """
    parts = weburls.split(url)
    if parts is None or parts.username is not None:
        shown = redact.text(url)
        raise UsageError(f"--push-gateway {shown}: write http://HOST:PORT or https://…, without a password")
    return url.rstrip("/")


def push(url: str, report: Report, code: int, timeout: float = TIMEOUT) -> str | None:
    """Send it, in so many seconds; the reason when that failed, for a report that is lost must not fail the work.

    PUT leaves nothing of what was found before: firings that are no longer missed, pipelines that are gone. A command
    that failed found nothing out, so its POST keeps that, and the time of the last success.
    """
    if timeout <= 0:
        return f"{url}: no time is left to push the metrics"
    from prometheus_client import CollectorRegistry, push_to_gateway, pushadd_to_gateway

    send = push_to_gateway if code in SUCCESS else pushadd_to_gateway
    registry = CollectorRegistry()
    _register(registry, report, code)
    grouping = {"environment": report.environment, "command": report.command}
    try:
        send(url, _JOB, registry, grouping, timeout=timeout, handler=_sent)
    except (OSError, ValueError) as error:
        return f"{url}: the metrics could not be pushed: {redact.text(str(error))[:200]}"
    return None


def forget(url: str, environment: str, commands: Iterable[str], timeout: float = TIMEOUT) -> str | None:
    """Take back what commands told of an environment, for a Pushgateway keeps it for ever; as `push` otherwise."""
    from prometheus_client import delete_from_gateway

    try:
        for command in commands:
            delete_from_gateway(
                url, _JOB, {"environment": environment, "command": command}, timeout=timeout, handler=_sent
            )
    except (OSError, ValueError) as error:
        return f"{url}: the metrics could not be deleted: {redact.text(str(error))[:200]}"
    return None


def _sent(
    *, url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
) -> Callable[[], None]:
    """In the place of prometheus_client's own handler, whose time is for two pieces of a reply, not for all of it."""

    import urllib3

    from kfp_gitops.base import replies, waiting

    def send() -> None:
        seconds = TIMEOUT if timeout is None else timeout
        pools = replies.Requests(_pools(url))
        try:
            with replies.within(seconds), waiting.on("the Pushgateway", seconds):
                reply = pools.request(
                    method,
                    url,
                    body=data,
                    headers=dict(headers),
                    timeout=urllib3.Timeout(seconds),
                    retries=False,
                )
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from None
        if reply.status >= 300:
            raise OSError(f"HTTP {reply.status} {reply.reason}")
        if reply.data.lstrip()[:1] == b"<":
            raise OSError("a web page answered; is this the address of a Pushgateway?")

    return send


def _pools(url: str) -> Any:
    import urllib3

    scheme, _, rest = url.partition("://")
    proxy = None if proxy_bypass(rest.partition("/")[0]) else getproxies_environment().get(scheme)
    return urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()


def _register(registry: object, report: Report, code: int) -> None:
    now = time.time()
    _gauge(registry, "last_run_timestamp_seconds", "when it last ran", {(): now})
    _gauge(registry, "duration_seconds", "how long it took", {(): time.monotonic() - report.began})
    _gauge(registry, "exit_code", "how it ended: 0 done, 1 differences, more is a failure", {(): code})
    if code in SUCCESS:
        _gauge(registry, "last_success_timestamp_seconds", "when it last did its work", {(): now})
    if report.period is not None:
        _gauge(registry, "period_seconds", "how long from one run to the next", {(): report.period})
    if report.drift is not None:
        _gauge(registry, "drift_objects", "objects that differ from the manifests", {(): report.drift})
    if report.faults is not None:
        about = "what is wrong with the server, or with the environment as a whole"
        _gauge(registry, "server_faults", about, {(): report.faults})
    if report.moved is not None:
        moved = "objects that moved since the plan that was approved"
        _gauge(registry, "moved_objects", moved, {(): len(report.moved)})
    _gauge(registry, "objects", "objects by what happens to them", report.objects, "action", "kind")
    team = ("team",) if any(report.teams.values()) else ()

    def whose(pipeline: str) -> tuple[str, ...]:
        return (report.teams.get(pipeline, ""),) if team else ()

    missed = {(*key, *whose(key[0])): float(found) for key, found in report.missed.items()}
    _gauge(registry, "missed_firings", "firings without a run", missed, "pipeline", "schedule", *team)
    failed = {(name, *whose(name)): float(found) for name, found in report.failed.items()}
    _gauge(registry, "last_run_failed", "whether the newest finished run failed", failed, "pipeline", *team)
    standings: Sequence[tuple[str, _Gauges, Mapping[tuple[str, str], object]]] = (
        ("trigger", _OF_TRIGGERS, report.triggers),
        ("backfill", _OF_BACKFILLS, report.backfills),
    )
    for what, gauges, every in standings:
        for of, gauge, about in gauges:
            found = {
                (*key, *whose(key[0])): float(value)
                for key, one in every.items()
                if (value := getattr(one, of)) is not None
            }
            _gauge(registry, gauge, about, found, "pipeline", what, *team)
    _promised(registry, {(name, *whose(name)): kept for name, kept in report.promises.items()}, *team)


def _promised(registry: object, kept: Mapping[tuple[str, ...], Promised], *team: str) -> None:
    """Of pipelines that promise something; whether they keep it is told too, for the alarm to be what status says."""
    for of, name, about in _OF_PROMISES:
        values = {key: found for key, one in kept.items() if (found := getattr(one, of)) is not None}
        _gauge(registry, name, about, values, "pipeline", *team)
    broken = {
        (key[0], slo, *key[1:]): float(slo in one.broken)
        for key, one in kept.items()
        for slo, promised in (("fresh", one.fresh), ("duration", one.duration))
        if promised is not None
    }
    _gauge(registry, "slo_broken", "whether what is promised is not kept", broken, "pipeline", "slo", *team)


def _gauge(registry: object, name: str, about: str, values: Mapping[Any, float], *labels: str) -> None:
    from prometheus_client import Gauge

    gauge = Gauge(f"kfp_gitops_{name}", about, labels, registry=registry)  # type: ignore[arg-type]  # by the caller
    for key, value in values.items():
        (gauge.labels(*key) if labels else gauge).set(value)
