"""Say what merging the rendered manifests would do; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("diff"))
