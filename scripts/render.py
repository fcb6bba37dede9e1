"""Render the manifests of an environment from its inputs; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("render"))
