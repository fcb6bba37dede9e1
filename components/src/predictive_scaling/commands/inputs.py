"""The file that a command reads: usage as it is, or in another tool's layout."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from predictive_scaling import steps
from predictive_scaling.base.errors import InputError
from predictive_scaling.commands.command import Command
from predictive_scaling.usage.layouts.converting import convert
from predictive_scaling.usage.layouts.mapping import known, mapped
from predictive_scaling.usage.sources import REQUIRED_COLUMNS, local_file

INPUT = "usage CSV (timestamp, service, cpu, memory; may be gzipped): a path, s3://bucket/key, sample:smd_servers_5min"


def add_input(parser: ArgumentParser) -> None:
    """--input, and how to read it when another tool wrote it."""
    parser.add_argument("--input", required=True, help=INPUT)
    parser.add_argument(
        "--layout", default="", metavar="NAME", help=f"another tool's layout: {', '.join(known())}"
    )
    parser.add_argument(
        "--map", default="", metavar="FILE", help="YAML that describes a layout: docs/usage-data.md"
    )
    parser.add_argument(
        "--memory-input",
        default="",
        metavar="FILE",
        help="of a layout with one metric a file: memory's; --input is cpu's",
    )


@contextmanager
def tidy_file(found: Namespace) -> Iterator[Path]:
    """The input as the tidy CSV. Raises InputError for what is not as its layout or map says."""
    with local_file(found.input) as raw, TemporaryDirectory() as folder:
        if not found.layout and not found.map:
            if found.memory_input:
                raise InputError("--memory-input is of a layout: say which by --layout or --map")
            yield raw
            return
        described = mapped(found.layout, found.map)
        with local_file(found.memory_input) if found.memory_input else nullcontext() as memory:
            convert(described, raw, memory, Path(folder) / "usage.csv.gz")
        yield Path(folder) / "usage.csv.gz"


def _load_arguments(parser: ArgumentParser) -> None:
    add_input(parser)
    parser.add_argument("--output", required=True, help="usage CSV, gzipped")


def _load(found: Namespace) -> int:
    with tidy_file(found) as tidy:
        loaded = steps.load_usage(found.output, str(tidy), REQUIRED_COLUMNS)
    return 0 if loaded.rows else 1


LOAD = Command("load", "Bring usage of other tools into the tidy CSV", _load_arguments, _load)
