"""Preview a pull request: register what it touches, run it, take it down; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("preview"))
