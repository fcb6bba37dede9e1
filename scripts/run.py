"""Run a registered pipeline once, list runs, or show one; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("run"))
