"""A KFP at one address whose database can be taken away, copied and brought back."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import PROJECT

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
Told = dict[str, dict[str, str]]


@dataclass
class Kfp:
    """One address; `lose`, `back_up` and `restore` are what happens to the database behind it."""

    folder: Path
    server: DevServer = field(init=False)
    port: int = 0
    _number: int = 0

    def __post_init__(self) -> None:
        self._begin(self.folder / "0")

    def _begin(self, folder: Path) -> None:
        self.server = DevServer(folder, executor=FAKE, grace=0.3, port=self.port, faults=Faults())
        self.server.start()
        self.port = int(self.server.url.rsplit(":", 1)[1])
        self._at = folder

    @property
    def api(self) -> KfpApi:
        return KfpApi(self.server.url, "")

    def lose(self) -> None:
        self._number += 1
        self.server.close()
        self._begin(self.folder / str(self._number))

    def back_up(self) -> Path:
        self._number += 1
        self.server.close()
        kept = self.folder / f"backup-{self._number}"
        shutil.copytree(self._at, kept)
        self._begin(self._at)
        return kept

    def restore(self, backup: Path) -> None:
        self.server.close()
        self._begin(backup)
