"""From a manifest to the IR that KFP runs, by KFP's own SDK, and its identity.

Comes in: a rendered pipeline. Goes out: IR text, digests, and the lock that holds them.
"""
