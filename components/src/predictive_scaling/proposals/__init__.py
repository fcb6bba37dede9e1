"""Proposals for a GitOps repository: floors of a recommendation laid over what stands, as patches that people merge.

Comes in: a recommendation, rendered manifests, the tree of patches as it stands. Goes out: the tree as it becomes, with
what people wrote in it left as it is, and a line for each value: from what, to what, by which run. Nothing is ever
written to a cluster.
"""
