"""What can go wrong, and the exit code that each kind of it has.

GitOpsError
├── InputError      2  bad input: every problem found, each with its position
├── RefusedError    5  a plan that would be unsafe
├── RemoteError     4  KFP or Kubernetes failed
│   ├── TemporaryError    worth another try
│   ├── BrokenError       it broke over the request, and would again
│   │   └── GarbledError      it answered what it never answers: somebody else did, or its reply was changed
│   │       └── TooLargeError
│   ├── UnclearError      a write that may have taken effect where no list shows it
│   ├── DeniedError       it does not know us, or does not let us
│   ├── NotFoundError
│   ├── AlreadyExistsError
│   ├── TakenError        5  what has our name is not ours, or not what was reviewed
│   ├── LockedError       another reconciler is at work
│   └── LockLostError     another reconciler may be at work by now
└── ScriptFailedError  a script that another one runs failed; with that one's exit code
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

_Found = TypeVar("_Found")


class ExitCode(IntEnum):
    """The convention of `kubectl diff`, for every script."""

    OK = 0
    DIFFERENCES = 1
    BAD_INPUT = 2
    DEFECT = 3
    REMOTE_FAILED = 4
    REFUSED = 5
    INTERRUPTED = 130
    STOPPED = 143


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a file; lines and columns count from 1, 0 means the whole file.

    `fault`: its kind, where it may be accepted (`language.faults`).
    """

    path: str
    line: int
    column: int
    what: str
    todo: str
    fault: str = ""

    def __str__(self) -> str:
        return _one_line(f"{self.place}: {self.what}; {self.todo}")

    @property
    def place(self) -> str:
        """`path:line:column`, or the path alone."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def as_warning(self) -> str:
        """The text of something that is allowed, and most likely not meant or known to fail elsewhere."""
        return _one_line(f"{self.place}: warning: {self.what}; {self.todo}")

    def texts(self) -> list[str]:
        """All of it as texts, for another process."""
        return [self.path, str(self.line), str(self.column), self.what, self.todo, self.fault]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Problem:
        """The reverse of `texts`."""
        path, line, column, what, todo, fault = texts
        return cls(path, int(line), int(column), what, todo, fault)


def meant(word: str, known: Iterable[str]) -> str:
    """The known word that a misspelt one is closest to; none when it is close to none."""
    from difflib import get_close_matches  # not needed where nothing is wrong

    return next(iter(get_close_matches(word, [*known], 1)), "")


def _one_line(text: str) -> str:
    """A name with a line break in it may not look like two problems."""
    return text.replace("\n", "\\n").replace("\r", "\\r")


class GitOpsError(Exception):
    """Base of every error that a person is told about without a traceback."""

    exit_code = ExitCode.DEFECT


class InputError(GitOpsError):
    """Bad input: all problems found, in the order of files and lines."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(cls, path: str, what: str, todo: str, line: int = 0, column: int = 0) -> InputError:
        """An error with one problem."""
        return cls([Problem(path, line, column, what, todo)])


class UsageError(GitOpsError):
    """A command line that cannot be carried out."""

    exit_code = ExitCode.BAD_INPUT


class RefusedError(GitOpsError):
    """Something that would be unsafe, and so was not begun."""

    exit_code = ExitCode.REFUSED


class RemoteError(GitOpsError):
    """The other side (KFP, Kubernetes) failed or could not be reached."""

    exit_code = ExitCode.REMOTE_FAILED


class TemporaryError(RemoteError):
    """The other side may answer when asked again, after `retry_after` seconds if it said so.

    `pending`: it was asked, was given up, and may still be at work on it. `untouched`: it never got the request, or
    refused to look at it. `reason` is the message in a few words.
    """

    def __init__(
        self,
        message: str,
        retry_after: float | None = None,
        *,
        pending: bool = False,
        untouched: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.pending = pending
        self.untouched = untouched
        self.reason = reason or message


class BrokenError(RemoteError):
    """The other side failed over this very request (500) and would again; part of it may be done."""


class GarbledError(BrokenError):
    """What answered is not the other side, or its reply was changed on its way: nothing is known of the request."""


class TooLargeError(GarbledError):
    """A reply has more bytes than anybody reads."""


class UnclearError(RemoteError):
    """A write that may have taken effect where KFP lists nothing; it must not be sent again."""


class DeniedError(RemoteError):
    """Not logged in (401, a login page) or not allowed (403)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotFoundError(RemoteError):
    """The object does not exist on the other side."""


class AlreadyExistsError(RemoteError):
    """Somebody was first: the object exists already."""


class TakenError(RemoteError):
    """What has our name on the other side is not ours, or not what was reviewed: it is left alone."""

    exit_code = ExitCode.REFUSED


class LockedError(RemoteError):
    """Another reconciler holds the lock of this environment."""


class LockLostError(RemoteError):
    """Our lock may be somebody else's by now: nothing more may be written."""


class ScriptFailedError(GitOpsError):
    """A script that another one runs did not end as it had to: `code` is what it answered, negative for a signal.

    What is no failure in itself (0 where differences were to be found), or no answer, is the other side's failure.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        answered = code in frozenset(ExitCode) and code != ExitCode.OK
        self.exit_code = ExitCode(code) if answered else ExitCode.REMOTE_FAILED


def raise_if_any(problems: Iterable[Problem]) -> None:
    """Raise one InputError with all problems, if there are any."""
    found = list(problems)
    if found:
        raise InputError(found)


def attempted(problems: list[Problem], work: Callable[[], _Found]) -> _Found | None:
    """What work gives; None where its input is bad: its problems join the list, and what does not need it goes on."""
    try:
        return work()
    except InputError as error:
        problems += error.problems
        return None
