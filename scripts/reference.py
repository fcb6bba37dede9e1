"""Write docs/manifest-reference.md from the manifest's JSON Schema; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("reference"))
