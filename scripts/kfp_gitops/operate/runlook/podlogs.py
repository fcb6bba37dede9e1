"""The log of a pod from KFP's server, line by line.

run_log_server.go (kubeflow/pipelines, August 2026): the server reads the container `main` of the pod of that name in
the namespace of the run, and where there is no such pod, the archive, if it is told of one (ARCHIVE_CONFIG_…; KFP's own
manifests do not). It says 200 before it has looked: a failure comes as JSON behind what was read. It does not follow.
"""

from __future__ import annotations

import codecs
import json
import re
import shlex
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from kfp_gitops.base import redact
from kfp_gitops.base.errors import BrokenError, DeniedError, NotFoundError, RemoteError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.writes import place
from kfp_gitops.kfpserver.runtree.pods import Pod

_LONGEST = 4000
"""Characters of a line; what a progress bar writes over and over is one line."""
_MESSAGE = re.compile(r'\{"error_message":("(?:[^"\\]|\\.)*")')
_FAILURE = '{"error_message":"Failed to read logs for run'


@dataclass
class Lines:
    """Takes a log in pieces, and emits its lines without secrets."""

    emit: Callable[[str], None]
    failure: str = ""
    """What the server said instead of a log, or behind it."""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    _open: list[str] = field(default_factory=list)
    _length: int = 0

    def feed(self, part: bytes) -> None:
        """A piece of the log."""
        *whole, rest = self._decoder.decode(part).split("\n")
        for text in whole:
            self._add(text)
            self._end()
        self._add(rest)

    def close(self) -> None:
        """It has ended: its last line may have no end, or be what the server says."""
        last = "".join(self._open)
        at = last.find(_FAILURE)
        if at >= 0:
            self.failure = _told(last[at:])
            self._open, self._length = [last[:at]], at
        if self._open and self._length:
            self._end()

    def _add(self, text: str) -> None:
        if text and self._length < _LONGEST + len(_FAILURE) * 20:  # a failure's message stays whole
            self._open.append(text)
        self._length += len(text)

    def _end(self) -> None:
        line = "".join(self._open).rstrip("\r")
        self._open, self._length = [], 0
        cut = f"{line[:_LONGEST]}… (cut)" if len(line) > _LONGEST else line
        self.emit(redact.text(cut))


def _told(text: str) -> str:
    """The message of the server's error; its details are a stack trace."""
    found = _MESSAGE.match(text)
    try:
        said = str(json.loads(found[1])) if found else text
    except ValueError:
        said = text
    return redact.text(" ".join(said.split())[:300])


def read(api: KfpApi, run_id: str, pod: Pod, emit: Callable[[str], None], *, patient: bool = True) -> str:
    """Emit the lines of a pod's log; returns why there is none, or no more of it, else nothing.

    It is asked for by the pod's name, as a pod that exists is found, then by the node's, as an archive keeps it.
    """
    failures = []
    for name in (pod.name, pod.node):
        emitted: list[str] = []

        def once(line: str, emitted: list[str] = emitted) -> None:
            emitted[:] = [line]
            emit(line)

        lines = Lines(once)
        try:
            api.read_log(run_id, name, lines.feed, patient=patient)
        except DeniedError:
            raise
        except NotFoundError:
            return "this server, or what stands before it, serves no logs"
        except BrokenError as error:
            lines.close()
            return str(error)
        lines.close()
        if emitted or not lines.failure:
            return lines.failure
        failures.append(lines.failure)
    return failures[0]


def last(api: KfpApi, run_id: str, pod: Pod, most: int, *, patient: bool = True) -> tuple[list[str], str]:
    """The last lines of a log, and why there is none, or no more."""
    kept: deque[str] = deque(maxlen=min(most, sys.maxsize))
    try:
        failure = read(api, run_id, pod, kept.append, patient=patient)
    except RemoteError as error:
        failure = str(error)
    return list(kept), failure


def kubectl(api: KfpApi, pod: Pod) -> str:
    """The line that shows it while the pod exists."""
    return f"kubectl logs -n {place(api.namespace or '', api.host)} {shlex.quote(pod.name)} -c main"
