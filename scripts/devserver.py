"""Serve the Kubeflow Pipelines API on this machine for development; see --help."""

import sys

try:
    from kfp_gitops.devserver import main
except ModuleNotFoundError as error:  # the server shares no error boundary with what it is a witness for
    if (error.name or "").startswith("kfp_gitops"):
        raise
    todo = "run `make demo` once, then `. .venv/bin/activate`"
    sys.stderr.write(f"the Python package {error.name!r} is not installed; {todo}\n")
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
