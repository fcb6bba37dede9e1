"""Promote releases from one environment to another; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("promote"))
