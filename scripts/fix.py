"""Mend what `make check` would refuse, as far as a machine can; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("fix"))
