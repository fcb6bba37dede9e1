"""The ground: files, YAML, JSON Schema, git, processes, signals, and errors that say what to do.

Comes in: bytes, paths and signals. Goes out: text whose every value knows its place, and problems at such places.
"""
