"""Who acts on floors: KEDA's ScaledObjects, or HPAs with an adapter, each beside a reactive trigger.

Comes in: a service's shape, its place, and what stands in its tree. Goes out: a kustomize component, and what to tell.
"""
