"""From the sources to what Argo CD delivers, purely: (repository, environment) → {path: text}.

Comes in: the sources of an environment. Goes out: `manifests/<env>/` and `argocd/`; `rendered` reads them back.
"""
