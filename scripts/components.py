"""Compile component wrappers to Component YAML specs; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("components"))
