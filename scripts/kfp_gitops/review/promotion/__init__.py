"""Promotion: a release goes from one environment to another's pinned copies; a person merges the result.

copy ─ writes the pinned copies, release.yaml, manifests and lock, all of it or nothing
history ─ which releases an environment had, by Git
provenance ─ whether a promotion is what its entry says: that environment's release, at that commit
status ─ what the source has that the target has not
proof ─ whether that very release has run well in the source environment
pull_request ─ a branch, a commit and a pull request with the semantic diff
"""
