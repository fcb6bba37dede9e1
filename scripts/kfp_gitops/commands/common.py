"""What every command line shares."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kfp_gitops.base import columns, takeback
from kfp_gitops.base.errors import ExitCode, UsageError, meant
from kfp_gitops.commands import console

EXIT_CODES = """exit codes: 0 nothing to do or done · 1 differences found ·
2 bad usage or bad input · 3 a defect of ours · 4 the remote side failed ·
5 refused as unsafe · 130 interrupted · 143 stopped (SIGTERM)"""
_UNKNOWN = re.compile(r"unrecognized arguments: (--[\w-]+)")
_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")
_INCOMPLETE = re.compile(
    r"argument (?:-\w/)?(--[\w-]+): expected|one of the arguments (--[\w-]+)|are required: (--[\w-]+)"
)
_COMMENT = re.compile(r"(?P<command> *\S.*?)(?: {2,}(?P<about>\S.*))?")


class Version(argparse.Action):
    """The option --version: nothing is looked up before somebody asks."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="say which version runs, and end", **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Tell it as a result."""
        from kfp_gitops.base import identity

        console.result(identity.told())
        parser.exit(ExitCode.OK)


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of exiting, and shows the exit codes in --help."""

    def __init__(
        self, prog: str, description: str, examples: str = "", root: Path | str | None = None, **more: Any
    ) -> None:
        """`more` is what argparse hands to the parsers of subcommands: from Python 3.14 on whether to use colours."""
        shown = _examples(as_called(examples), columns.width() - 2)  # as argparse leaves two
        epilog = f"examples:\n{shown}\n\n{EXIT_CODES}" if examples else EXIT_CODES
        super().__init__(
            prog=as_called(prog),
            description="\n".join(_folded(description, columns.width() - 2)),
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **more,
        )
        self.add_argument(
            "--root",
            type=Path,
            default=repository() if root is None else root,
            metavar="DIR",
            help="the repository (default: where this script is)",
        )
        self.add_argument("--version", action=Version)
        self._typed = [found["command"].strip() for found in _commands(as_called(examples))]

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse says NoReturn: it raises, too
        raise UsageError(f"{self.prog}: {message}{self._shape(message)}; see --help")

    def _shape(self, message: str) -> str:
        """What argparse does not say: a number that would be one, what was most likely meant, how it is written."""
        if "invalid int value" in message:
            return ", write a whole number such as 2"
        if incomplete := _INCOMPLETE.search(message):
            option = next(filter(None, incomplete.groups()))
            return next((f", as in `{typed}`" for typed in self._typed if option in typed.split()), "")
        close = self._close(message)
        return f", did you mean {close}?" if close else ""

    def _close(self, message: str) -> str:
        """The option or the choice that a misspelt one is closest to."""
        if choice := _CHOICE.search(message):
            return meant(choice[1], re.findall(r"[\w-]+", choice[2]))
        found = _UNKNOWN.search(message)
        options = [option for option in self._option_string_actions if option.startswith("--")]
        return meant(found[1], options) if found else ""


def _commands(examples: str) -> Iterator[re.Match[str]]:
    """The commands of examples, each in a line of its own."""
    for line in examples.partition("\n\n")[0].splitlines():
        found = _COMMENT.fullmatch(line)
        if found and not line.startswith(" " * 10):
            yield found


def _examples(text: str, width: int) -> str:
    """Commands with what they are for beside them, where that is too wide above them; then prose in a paragraph."""
    commands, _, prose = text.partition("\n\n")
    lines = commands.splitlines()
    if any(len(line) > width for line in lines):
        lines = _above(lines, width)
    return "\n".join([*lines, *(["", *_folded(prose, width)] if prose else [])])


def _above(lines: Sequence[str], width: int) -> list[str]:
    """What a command is for, before it, as a shell's comment."""
    shown: list[list[str]] = []
    for line in lines:
        found = _COMMENT.fullmatch(line)
        if found is None or line.startswith(" " * 10):  # what the command before it is for
            said = sum(one.startswith("  # ") for one in shown[-1])
            shown[-1].insert(said, f"  # {line.strip()}")
            continue
        command = found["command"]
        folded = columns.command(command.strip(), width, 2) if command.isascii() else [command]
        shown.append([*([f"  # {found['about']}"] if found["about"] else []), *folded])
    return [line for block in shown for line in block]


def _folded(text: str, width: int) -> list[str]:
    return columns.folded(text.replace("\n", " "), width, 0)


def scripts_are_there() -> bool:
    """Whether this package stands in a repository, beside its scripts; in an image it is installed alone."""
    return (Path(__file__).resolve().parents[2] / "reconcile.py").is_file()


def as_called(text: str) -> str:
    """A text with the names of scripts, as they are called where there are none."""
    if scripts_are_there():
        return text
    return re.sub(r"(?:python scripts/|^)([a-z_]+)\.py\b", r"python -m kfp_gitops \1", text)


def repository() -> Path:
    """The repository that this package stands in, from any working directory; installed, the working directory."""
    around = Path(__file__).resolve().parents[3]
    return around if (around / "environments").is_dir() else Path.cwd()


def parse(
    parser: Parser, argv: Sequence[str] | None, *, needs_environments: bool = True
) -> argparse.Namespace:
    """Parse the command line; the root is made absolute, and holds environments/ unless that is not needed."""
    arguments = parser.parse_args(argv)
    arguments.root = arguments.root.resolve()
    if needs_environments and not (arguments.root / "environments").is_dir():
        raise UsageError(
            f"{parser.prog}: {arguments.root} has no folder environments/; give the repository with --root"
        )
    if not hasattr(arguments, "take_back"):  # who has that option sees to it, and tells so
        _tell_left(arguments.root)
    return arguments


def _tell_left(root: Path) -> None:
    """What a start that was killed wrote is half of something: nobody shall take it for the whole."""
    command = takeback.left(root)
    if command is not None:
        again = "python scripts/new.py --take-back"
        console.note(
            f"{command or 'a start'} was cut off here: run it again, or `{again}` takes back what it wrote"
        )
