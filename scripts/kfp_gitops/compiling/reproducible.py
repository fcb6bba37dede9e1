"""Archives that the SDK puts into a component (`embedded_artifact_path`, notebooks): the same of the same files.

It writes into them when they were made, and when and by whom each file was (kfp/dsl/component_factory.py, 2.17): so
what two people compile, or one twice, would never be the same.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from kfp_gitops.compiling.lean import Instead


class _Plain(tarfile.TarFile):
    """An archive that says of a file its name and whether it can be run, as Git does."""

    def gettarinfo(self, *arguments: Any, **named: Any) -> tarfile.TarInfo:
        found = super().gettarinfo(*arguments, **named)
        found.mtime = found.uid = found.gid = 0
        found.uname = found.gname = ""
        found.mode = 0o755 if found.isdir() or found.mode & 0o100 else 0o644
        return found


@contextmanager
def archives(component_factory: ModuleType) -> Iterator[None]:
    """Within, the SDK writes them so; where it does not look as expected, it is left as it is."""
    before = {name: getattr(component_factory, name, None) for name in ("gzip", "tarfile")}
    if before != {"gzip": gzip, "tarfile": tarfile}:
        yield
        return
    vars(component_factory).update(
        gzip=Instead(gzip, compress=partial(gzip.compress, mtime=0)),
        tarfile=Instead(tarfile, open=_Plain.open),
    )
    try:
        yield
    finally:
        vars(component_factory).update(before)
