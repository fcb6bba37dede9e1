"""From the sources to the manifests of an environment, purely: (root, environment) → {path: text}.

Comes in: an environment's sources. Goes out: `manifests/<env>/`, `argocd/`, and both read back.
"""
