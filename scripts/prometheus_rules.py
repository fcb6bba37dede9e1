"""Write the rules of docs/prometheus/ with this repository's address, and as charts take them; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("prometheus_rules"))
