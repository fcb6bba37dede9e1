"""From a manifest to the IR that KFP runs, by KFP's own SDK, and to the lock that says which IR was reviewed.

Comes in: a rendered pipeline. Goes out: the text of its IR, its digest, and `versions.lock.yaml`.
"""
