"""`python -m kfp_gitops COMMAND …`: the scripts where only the package is installed, as in the reconciler's image."""

import sys
from pkgutil import iter_modules

from kfp_gitops import commands
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.common import scripts_are_there

_SHARED = {
    "again", "begun", "common", "connection", "console", "instance", "listing", "locally", "origin", "pasted", "team",
}  # fmt: skip
_OF_SCRIPTS = {"demo"}
"""It runs the scripts themselves."""


def main() -> int:
    """Hand over to the command that the first argument names."""
    left_out = _SHARED if scripts_are_there() else _SHARED | _OF_SCRIPTS
    known = sorted({module.name for module in iter_modules(commands.__path__)} - left_out)
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in known:
        console.note(
            f"usage: python -m kfp_gitops COMMAND …; the commands are: {', '.join(known)}; each has --help"
        )
        return ExitCode.OK if command in ("-h", "--help") else ExitCode.BAD_INPUT
    sys.argv[:2] = [f"{command}.py"]
    return console.run(command)


if __name__ == "__main__":
    sys.exit(main())
