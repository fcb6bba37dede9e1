"""How many tasks a pipeline has once those inside others are written out: 30 that run each the next twice are 10^9.

Counted, each part once, before anybody walks every way to every task (KFP and Argo do). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MOST_TASKS = 5_000
"""Of one pipeline. A task takes some hundred bytes of a compiled workflow, which has at most 1.5 MiB in a cluster."""
MOST_LEVELS = 50
"""Of pipelines and groups inside one another: each is a driver pod that waits for the one in it."""


def too_much(parts: Mapping[str, Sequence[str]], root: str) -> str:
    """What is too much of a pipeline, for people; empty when nothing is.

    `parts`: by name, what the tasks of each part run, one entry a task; what is no part itself is a leaf. Parts in a
    circle are said elsewhere: here a circle ends with its first part.
    """
    tasks, levels = _counted(parts, root)
    if tasks > MOST_TASKS:
        return (
            f"{_about(tasks)} tasks with those of the pipelines and groups in it; {MOST_TASKS} are possible"
        )
    if levels > MOST_LEVELS:
        return f"{levels} levels of pipelines and groups in one another; {MOST_LEVELS} are possible"
    return ""


def _counted(parts: Mapping[str, Sequence[str]], root: str) -> tuple[int, int]:
    """Tasks and levels, without recursion: the levels are a stranger's."""
    done: dict[str, tuple[int, int]] = {}
    waiting, open_ = [root], set[str]()
    while waiting:
        name = waiting[-1]
        inside = [child for child in parts[name] if child in parts]
        left = [child for child in dict.fromkeys(inside) if child not in done and child not in open_]
        open_.add(name)
        if left and name not in done:
            waiting += left
            continue
        waiting.pop()
        known = [done.get(child, (0, 0)) for child in inside]
        done[name] = (len(parts[name]) + sum(n for n, _ in known), 1 + max((d for _, d in known), default=0))
    return done[root]


def _about(number: int) -> str:
    return str(number) if number < 10**9 else f"some 10^{int(number.bit_length() * 0.30103)}"
