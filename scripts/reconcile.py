"""Make KFP match manifests/<env>/; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("reconcile"))
