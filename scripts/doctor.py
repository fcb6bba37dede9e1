"""Check what must be there before an environment can be applied; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("doctor"))
