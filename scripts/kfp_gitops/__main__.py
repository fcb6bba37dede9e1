"""`python -m kfp_gitops COMMAND …`: the scripts where only the package is installed, as in the reconciler's image."""

import sys

from kfp_gitops.console import run

if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.argv[:2] = [f"{command}.py"]
    sys.exit(run(command))
