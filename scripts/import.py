"""Import a compiled KFP pipeline as a template, components and values; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("import"))
