"""What an import comes to, for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from kfp_gitops.importing.imported import Imported
from kfp_gitops.language import faults


def kept(found: Imported) -> str:
    """What of the file stays compiled; empty where all of it became manifests."""
    if found.whole:
        return "brought whole"
    names = [PurePath(file).stem for file in found.kept]
    return f"{len(names)} part{'s' if len(names) > 1 else ''} brought: {', '.join(names)}" if names else ""


def reasons(found: Imported) -> Iterator[str]:
    """Why, each at its line of the file that was given."""
    for file, why in found.kept.items():
        for place in dict.fromkeys(f"{one.place}: {' '.join(one.what.split())}" for one in why):
            yield f"{place}; so it stays in {file}"


def accepted(found: Imported) -> Iterator[str]:
    """The faults that the file has, which KFP registers all the same."""
    for kind in found.accepted:
        yield f"accepted fault {kind}: {faults.KINDS[kind]}"


def proof(found: Imported, file: str) -> Iterator[str]:
    """That nothing changed, or what kfp 2.17 sends in another way than the file has it."""
    if not found.told:
        yield f"equal: rendered and compiled, {found.name} is {file}, {found.digest}"
    else:
        yield f"equal to what kfp 2.17 sends for {file}: {found.digest}; it writes otherwise than the file:"
        yield from (f"  {one}" for one in found.told)
