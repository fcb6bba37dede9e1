"""The file is imported as Python would when it is run or imported where it stands; which code is the user's own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, ModuleType

_OURS = str(Path(__file__).parents[2])
"""A DSL file may stand in the repository that it is imported into."""
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Place:
    """A line of a file; columns count from 1, 0 where Python does not tell them (before 3.11)."""

    file: str
    line: int
    column: int = 0


@dataclass(frozen=True)
class Mine:
    """Says of code whether it is the user's own: below these folders, and not installed there."""

    folders: Sequence[str]

    def __call__(self, file: str) -> bool:
        if not file.endswith(".py") or any(part in _INSTALLED for part in Path(file).parts):
            return False
        others = (sysconfig.get_paths()["stdlib"], _OURS)
        return not any(_below(file, folder) for folder in others) and any(
            _below(file, folder) for folder in self.folders
        )

    def place(self, frame: FrameType | None) -> Place | None:
        """Where in the user's own code that is what runs in a frame, or asked for it."""
        found = self.frame(frame)
        return found and place_in(found.f_code, found.f_lasti, found.f_lineno)

    def frame(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame of the user's own code."""
        while frame is not None and not self(frame.f_code.co_filename):
            frame = frame.f_back
        return frame


def place_in(code: CodeType, at: int, line: int) -> Place:
    """The place of an instruction."""
    column = 0
    if hasattr(code, "co_positions"):
        found = list(code.co_positions())[at // 2][2] if at >= 0 else None
        column = 0 if found is None else found + 1
    return Place(code.co_filename, line, column)


def _below(file: str, folder: str) -> bool:
    return file.startswith(folder.rstrip("/\\") + ("\\" if "\\" in folder else "/"))


def load(file: Path, package: str, first: Sequence[str], last: Sequence[str]) -> ModuleType:
    """Import it: as a module of its package, or alone. `first` and `last` are where its neighbours are looked for."""
    sys.path[:0] = first
    sys.path += [folder for folder in last if folder not in sys.path]
    if package:
        return importlib.import_module(f"{package}.{file.stem}")
    name = file.stem if file.stem not in sys.modules else f"dsl_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def modules(mine: Mine) -> dict[str, ModuleType]:
    """The user's own modules that have been imported, by name."""
    found = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return {name: sys.modules[name] for name, file in found.items() if file and mine(file)}
