"""What a Prometheus has of one namespace, what is wrong with it, and what to do: asked, never changed.

Comes in: a Prometheus, a namespace. Goes out: findings, as text or as the document `predictive-scaling-doctor/v1`.
"""
