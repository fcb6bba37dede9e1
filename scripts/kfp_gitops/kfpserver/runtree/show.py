"""A run's tasks as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from kfp_gitops.kfpserver.runtree.fold import View

_ARMS = ("if", "elif", "else")
More = Callable[[View], Iterable[str]]


def _nothing(_view: View) -> Iterable[str]:
    return ()


def lines(views: Sequence[View], more: More = _nothing, depth: int = 1) -> Iterator[str]:
    """One line a task, those inside it below it; `more` gives further lines of its own."""
    indent = "  " * depth
    for view in views:
        yield f"{indent}{view.state:<10} {title(view)}{details(view)}"
        yield from (f"{indent}  {line}" for line in more(view))
        yield from lines(view.inside, more, depth + 1)


def title(view: View) -> str:
    """The id, and for what a loop runs several times how often it has succeeded."""
    counted = view.many and view.total and view.state != "SKIPPED"
    return f"{view.id} {view.done}/{view.total}" if counted else view.id


def details(view: View) -> str:
    """What else there is to say, in brackets: time, cache, retries, iterations that did not succeed, why not."""
    parts = [
        f"{view.seconds:.1f} s" if view.seconds is not None and view.cached < len(view.seen) else "",
        _some(view, view.cached, "cached"),
        f"{view.retries} {'retry' if view.retries == 1 else 'retries'}" if view.retries else "",
        f"{view.failed} failed" if view.many and view.failed else "",
        f"{view.skipped} skipped" if view.many and 0 < view.skipped < view.total else "",
        view.why,
    ]
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""


def _some(view: View, number: int, word: str) -> str:
    if not number:
        return ""
    return f"{number} {word}" if view.many and view.total > 1 else word


def changes(views: Sequence[View], seen: dict[str, object]) -> Iterator[str]:
    """A line for each task that stands otherwise than `seen` says, which is brought up to date.

    Of a group only how it is skipped is told, instead of all that is in it: the rest shows in its tasks. An id that
    occurs twice, as in a pipeline that two tasks run, has those around it before it.
    """
    ids = Counter(view.id for _, view in _walk(views))
    for path, view in _walk(views, with_skipped=False):
        skipped = view.state == "SKIPPED"
        now = (view.state, view.done, view.failed, view.retries)
        if (not view.inside or skipped) and view.state != "PENDING" and seen.get(path) != now:
            seen[path] = now
            around = path.removesuffix(view.id) if ids[view.id] > 1 or view.id in _ARMS else ""
            yield f"  {around}{title(view)}: {view.state}{details(view)}"


def _walk(views: Sequence[View], around: str = "", with_skipped: bool = True) -> Iterator[tuple[str, View]]:
    for view in views:
        yield f"{around}{view.id}", view
        if with_skipped or view.state != "SKIPPED":
            yield from _walk(view.inside, f"{around}{view.id}/", with_skipped)


def failed(views: Sequence[View]) -> Iterator[str]:
    """The ids of the tasks that failed, innermost ones alone."""
    return _in_state(views, "FAILED")


def running(views: Sequence[View]) -> Iterator[str]:
    """The tasks that are under way, innermost ones alone."""
    return _in_state(views, "RUNNING")


def _in_state(views: Sequence[View], state: str) -> Iterator[str]:
    for view in views:
        inner = list(_in_state(view.inside, state))
        yield from inner
        if view.state == state and not inner:
            yield title(view)
