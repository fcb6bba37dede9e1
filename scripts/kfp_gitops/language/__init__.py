"""What people and KFP write: the manifest, cron, IR, their schemas and what may stand in them.

Comes in: documents. Goes out: a typed model of each, and what is wrong in it by itself.
"""
