"""The ground: files, YAML, JSON Schema, errors, git, processes, bounds, stopping.

Comes in: bytes, paths and signals. Goes out: text with positions, and problems that people can act on.
"""
