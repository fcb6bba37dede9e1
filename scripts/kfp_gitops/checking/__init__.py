"""Whether KFP could run a pipeline that is well-formed: `check` asks its wiring, `limits` its names and sizes.

Comes in: a manifest and the interfaces of its components. Goes out: every problem at once, each at its line.
"""
