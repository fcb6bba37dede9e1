"""`python -m kfp_gitops COMMAND …`: the scripts where only the package is installed, as in the reconciler's image."""

import sys

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, meant
from kfp_gitops.commands import console
from kfp_gitops.commands.known import Known, commands

_USAGE = "usage: python -m kfp_gitops COMMAND …"


def main() -> int:
    """Hand over to the command that the first argument names."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "--version":
        from kfp_gitops.base import identity

        console.result(identity.told())
        return ExitCode.OK
    found = commands()
    if command in ("-h", "--help"):
        console.result(_help(found))
        return ExitCode.OK
    known = {each.name: each for each in found}
    if command not in known or known[command].lacks:
        console.note(_refused(command, known))
        return ExitCode.BAD_INPUT
    sys.argv[:2] = [f"{command}.py"]
    return console.run(command)


def _help(found: list[Known]) -> str:
    works = [each for each in found if not each.lacks]
    wide = max(len(each.name) for each in works)
    lines = [
        line
        for each in works
        for line in columns.folded(f"  {each.name:{wide}}  {each.about}", columns.width(), wide + 4)
    ]
    return "\n".join([f"{_USAGE}; each has --help, and --version says what runs", "", *lines])


def _refused(command: str, known: dict[str, Known]) -> str:
    if not command:
        return _help([*known.values()])
    if command in known:
        return f"{_USAGE}: {command!r} does not work here: {known[command].lacks}"
    works = [each.name for each in known.values() if not each.lacks]
    close = meant(command, works)
    which = f"did you mean {close!r}? " if close else ""
    return f"{_USAGE}: no command {command!r}; {which}The commands are: {', '.join(works)}"


if __name__ == "__main__":
    sys.exit(main())
