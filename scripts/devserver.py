"""Serve the Kubeflow Pipelines API on this machine for development; see --help."""

import sys

from kfp_gitops.devserver import main

if __name__ == "__main__":
    sys.exit(main())
