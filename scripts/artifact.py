"""The OCI artifact by which an environment is delivered: its digest, push and pull; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("artifact"))
