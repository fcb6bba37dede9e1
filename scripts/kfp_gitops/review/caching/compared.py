"""Whether two steps can share a result, and in what they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from kfp_gitops.review.caching.steps import Step
from kfp_gitops.review.caching.values import Derived, Known, Made, Maker, Motion, Moving, Value


class Likeness(IntEnum):
    """Of two values, or of two steps."""

    SAME = 0
    UNKNOWN = 1
    OTHER = 2


@dataclass(frozen=True)
class Seen:
    """What is known of a step after the change: whether it surely runs or surely does not, and whose result it gets."""

    runs: bool
    cached: bool
    matches: tuple[Step, ...]


@dataclass(frozen=True)
class Reason:
    """What differs, and the tasks that it comes from."""

    what: str
    makers: tuple[Maker, ...] = ()

    def __str__(self) -> str:
        found = ", ".join(dict.fromkeys(step.task for step in self.makers))
        return f"{self.what} from {found}" if found else self.what


def likeness(before: Step, after: Step, seen: Mapping[int, Seen]) -> Likeness:
    """Of two steps of the same form."""
    pairs = zip(before.given, after.given, strict=True)
    found = (of_values(old, new, seen) for (_, old), (_, new) in pairs)
    return max(found, default=Likeness.SAME)


def of_values(before: Value, after: Value, seen: Mapping[int, Seen]) -> Likeness:
    """Whether the run after the change is given what the run before it was given."""
    if isinstance(before, Moving) or isinstance(after, Moving):
        return Likeness.OTHER
    if before.identity == after.identity and settled(after, seen):
        return Likeness.SAME
    if isinstance(before, Known) and isinstance(after, Known):
        return Likeness.OTHER
    if _artifact(before) or _artifact(after):
        return _of_artifacts(before, after, seen)
    return Likeness.UNKNOWN


def settled(value: Value, seen: Mapping[int, Seen]) -> bool:
    """Whether it is the same in any two runs, those who make it being answered from the cache."""
    return value.motion is Motion.STEADY and all(
        seen[id(step)].cached for step in makers(value) if id(step) in seen
    )


def _artifact(value: Value) -> bool:
    if isinstance(value, Made):
        return value.artifact
    return isinstance(value, Derived) and (value.kind == "import" or any(map(_artifact, value.parts)))


def _of_artifacts(before: Value, after: Value, seen: Mapping[int, Seen]) -> Likeness:
    if isinstance(before, Made) and isinstance(after, Made):
        maker = seen.get(id(after.step), Seen(True, False, ()))
        kept = before.step in maker.matches and before.output == after.output
        return Likeness.UNKNOWN if kept and not maker.runs else Likeness.OTHER
    if isinstance(before, Derived) and isinstance(after, Derived) and before.kind == after.kind:
        if after.always_new or len(before.parts) != len(after.parts):
            return Likeness.OTHER
        pairs = zip(before.parts, after.parts, strict=True)
        return max(of_values(old, new, seen) for old, new in pairs)
    chosen = [value for value in (before, after) if isinstance(value, Derived) and value.kind == "oneOf"]
    return Likeness.UNKNOWN if chosen else Likeness.OTHER


def reasons(before: Step | None, after: Step, seen: Mapping[int, Seen]) -> Iterator[Reason]:
    """Why a step does not get the result that the task of this name had before."""
    if before is None:
        yield Reason("new")
        return
    if before.always or not before.cache:
        yield Reason("no result kept")
        return
    if before.key != after.key and (before.keyed or after.keyed):
        yield Reason("cache key")
    yield from map(Reason, _of_container(before, after))
    old, new = dict(before.given), dict(after.given)
    for name in {**old, **new}:
        if name not in old or name not in new:
            yield Reason(f"{_word(name)} is {'new' if name in new else 'gone'}")
        elif of_values(old[name], new[name], seen) is not Likeness.SAME:
            yield Reason(_word(name), tuple(dict.fromkeys(makers(new[name]))))


def _of_container(before: Step, after: Step) -> Iterator[str]:
    left, right = before.container, after.container
    if left.image != right.image:
        yield "image"
    if left.line != right.line:
        yield "code or command"
    if left.outputs != right.outputs:
        yield "outputs"
    changed = {**before.unseen, **after.unseen}
    if after.server.env_in_key and any(
        name.startswith("env ") and before.unseen.get(name) != after.unseen.get(name) for name in changed
    ):
        yield "env"


def _word(name: str) -> str:
    kind, _, rest = name.partition(" ")
    return {"p": f"input {rest}", "a": f"artifact {rest}"}.get(kind, "volume claim")


def makers(value: Value) -> Iterator[Maker]:
    """The tasks that a value comes from."""
    if isinstance(value, Made):
        yield value.step
    elif isinstance(value, Derived):
        for part in value.parts:
            yield from makers(part)
