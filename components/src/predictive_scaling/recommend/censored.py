"""Demand that was held back: what a throttled container used is its limit, and what a killed one used is what was left.

memory  a container that was killed for want of memory asked for more than the limit it had then; its request goes to
        that limit × 1.25 at least. The limit of then: with the present one, each raise would ask for the next. The
        Vertical Pod Autoscaler raises by 1.2 and by 100 MiB at least (oom-bump-up-ratio, oom-min-bump-up-bytes)
cpu     a container that was throttled in a share s of its CPU periods, while its five minutes came near its limit,
        wanted more than the limit in all of these; how much more is in no series. Its pod is planned with
        limit × (1 + s) for it in the hours near the service's peak: at most twice as much, and the next forecast sees
        what that set free. One that is throttled far below its limit works in bursts: told, and nothing is planned
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from predictive_scaling.base import amounts
from predictive_scaling.base.amounts import quantity
from predictive_scaling.base.series import FloatArray
from predictive_scaling.shapes.shape import Container, Shape

MEMORY_RAISE = 1.25
# Kubernetes' own alert CPUThrottlingHigh (kubernetes-mixin) speaks from a quarter of the periods on.
THROTTLED = 0.25
# From this share of the limit on five minutes' usage is taken for the limit, and an hour for one of the peak.
NEAR = 0.8


@dataclass(frozen=True)
class HeldBack:
    """What held a service back: `cpu` by the factor of its peak hours, memory by the least request of a container.

    `told` has a sentence for cpu and memory, and `of` one for each container that was held back.
    """

    cpu: float = 1.0
    memory: Mapping[str, float] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    of: Mapping[str, str] = field(default_factory=dict)

    def raised(self, p95: FloatArray) -> FloatArray:
        """Cores by hour with what the peak hours lacked."""
        near = p95 >= NEAR * np.max(p95, initial=0.0)
        return np.where(near, p95 * self.cpu, p95)


def held_back(shape: Shape | None) -> HeldBack:
    """What held a service back, by its shape; nothing where no shape is known."""
    containers = shape.containers if shape else ()
    throttled = {each.name: text for each in containers if (text := _throttled(each))}
    killed = {each.name: least for each in containers if (least := _after_kill(each))}
    kills = {each.name: _killed(each, killed[each.name]) for each in containers if each.name in killed}
    texts = {"cpu": "; ".join(throttled.values()), "memory": "; ".join(kills.values())}
    both = {
        name: "; ".join(each[name] for each in (throttled, kills) if name in each)
        for name in {**throttled, **kills}
    }
    told = {metric: text for metric, text in texts.items() if text}
    return HeldBack(_factor(containers), killed, told, both)


def _share(container: Container) -> float:
    """Share of throttled periods, where that is worth telling."""
    share = (container.use.throttled if container.use else None) or 0.0
    return share if share >= THROTTLED else 0.0


def _at_limit(container: Container) -> bool:
    limit, used = container.limits.cpu, _used(container)
    return bool(_share(container) and limit and used and used >= NEAR * limit)


def _throttled(container: Container) -> str:
    share = _share(container)
    if not share:
        return ""
    limit = f" of {quantity(container.limits.cpu, 'cores')}" if container.limits.cpu else ""
    text = f"{container.name} was throttled in {amounts.share(share)} of its cpu periods in its worst hour"
    if _at_limit(container):
        return f"{text}, at its limit{limit}: it wanted more than its series shows; raise the limit"
    return f"{text}, far below its limit{limit}: it works in bursts, which no replicas mend; raise the limit"


def _factor(containers: tuple[Container, ...]) -> float:
    """What the pod would have used without its limits, over what it used."""
    used = sum(_used(each) for each in containers)
    lacking = sum(
        max(0.0, (each.limits.cpu or 0.0) * (1 + _share(each)) - _used(each))
        for each in containers
        if _at_limit(each)
    )
    return 1.0 + lacking / used if lacking else 1.0


def _used(container: Container) -> float:
    return (container.use.highest.cpu if container.use else None) or 0.0


def _after_kill(container: Container) -> float:
    use = container.use
    if use is None or not use.oom_kills:
        return 0.0
    return MEMORY_RAISE * max(use.oom_limit or container.limits.memory or 0.0, use.highest.memory or 0.0)


def _killed(container: Container, least: float) -> str:
    use = container.use
    times = f"{use.oom_kills} times" if use and use.oom_kills > 1 else "once"
    limit = use.oom_limit if use else None
    had = f" at a limit of {quantity(limit, 'bytes')}" if limit else ""
    wanted = quantity(least, "bytes", up=True)
    return f"{container.name} was killed {times} for want of memory{had}: at least {wanted} are requested"
