"""GitOps for Kubeflow Pipelines: render, compile, plan, reconcile.

The way of the data, one direction, one module each:
`environment` → `render` → `manifest` → `compiler` → `lock` → `desired` → `plan` → `apply`.
"""

__version__ = "0.1.0"
