"""Make KFP match `manifests/<env>/`: desired + actual → plan → guard → apply, one apply at a time (`locking`).

Comes in: `manifests/<env>/` and what its KFP holds. Goes out: a plan; and its steps, each safe to be killed at.
"""
