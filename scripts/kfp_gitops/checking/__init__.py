"""Whether a pipeline can run on KFP.

Comes in: a manifest and the interfaces of its components. Goes out: every problem, each with its line.
"""
