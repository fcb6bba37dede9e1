"""GitOps for Kubeflow Pipelines: render → review → compile → reconcile, each in a wing of its own.

A wing imports those below it only; wings on one line know nothing of each other (`.importlinter` holds them to it):

    commands              command lines: one module each, the only place that prints
    review      operate   what a change would do │ how things are, and what people do about it
    importing             compiled IR → template, components and values, proved by compiling them
    reconcile   local     desired + actual → plan → KFP │ the same pipelines on this machine
    compiling             manifest → IR by KFP's SDK → its digest, locked
    rendering             sources → manifests/<env>/ and argocd/
    checking              manifest → what KFP would not run
    sources     kfpserver environments/, templates/, components/ │ KFP's API, and what a run of it tells
    language              manifests, crons, IR and their schemas as types
    base                  files, YAML, JSON Schema, git, processes, errors

    devserver             enough of KFP's API to try all of it; it imports none of them, nor they it
"""

__version__ = "0.1.0"
