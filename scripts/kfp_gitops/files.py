"""The edge to the disk: bounded reads inside one root, atomic writes, comparing a folder with texts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from kfp_gitops.errors import InputError
from kfp_gitops.yamltext import MAX_BYTES


def read_text(root: Path, relative: str) -> str:
    """The text of a regular file below root, with `\\n` line ends.

    Raises:
        InputError: missing, not a regular file, reached through a symbolic link, too large, not UTF-8.
    """
    path = root / relative
    if ".." in Path(relative).parts or Path(relative).is_absolute() or _has_link(root, path):
        raise InputError.of(relative, "leads out of the repository", "use a plain file inside it")
    if not path.is_file():
        raise InputError.of(relative, "no such file", "create it, or correct the name that leads to it")
    if path.stat().st_size > MAX_BYTES:
        raise InputError.of(relative, f"larger than {MAX_BYTES} bytes", "split the file")
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError.of(relative, f"not UTF-8 at byte {error.start}", "save the file as UTF-8") from None


def _has_link(root: Path, path: Path) -> bool:
    return any(part.is_symlink() for part in [path, *path.parents] if part != root and root in part.parents)


def list_files(root: Path, folder: str) -> list[str]:
    """All files below a folder, as sorted paths relative to it with `/`; hidden ones are left out."""
    base = root / folder
    return sorted(
        path.relative_to(base).as_posix()
        for path in base.rglob("*")
        if (path.is_file() or path.is_symlink()) and not _hidden(path.relative_to(base))
    )


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def list_folders(root: Path, folder: str) -> list[str]:
    """The names of the folders directly in a folder, sorted."""
    base = root / folder
    if not base.is_dir():
        return []
    return sorted(path.name for path in base.iterdir() if path.is_dir() and not _hidden(Path(path.name)))


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)  # mkstemp makes 0600; a checkout's files are for all to read
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def differences(root: Path, folder: str, wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What would have to be done so that a folder holds exactly the wanted texts.

    Yields:
        (`add` | `change` | `remove`, path relative to the folder), in order of path.
    """
    present = set(list_files(root, folder)) if (root / folder).is_dir() else set()
    for name in sorted(present | set(wanted)):
        if name not in wanted:
            yield "remove", name
        elif name not in present:
            yield "add", name
        elif (root / folder / name).read_bytes() != wanted[name].encode():
            yield "change", name


def synchronise(root: Path, folder: str, wanted: Mapping[str, str]) -> list[tuple[str, str]]:
    """Make a folder hold exactly the wanted texts; returns what was done."""
    done = list(differences(root, folder, wanted))
    for action, name in done:
        path = root / folder / name
        if action == "remove":
            path.unlink()
        else:
            write_text(path, wanted[name])
    _remove_empty_folders(root / folder)
    return done


def _remove_empty_folders(base: Path) -> None:
    for path in sorted((p for p in base.rglob("*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
