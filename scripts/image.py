"""Write an image's new digest into an environment's release; see --help."""

import sys

from kfp_gitops.commands.console import run

if __name__ == "__main__":
    sys.exit(run("image"))
