"""Semantic diff: two states of `manifests/<env>/` → what will happen, for a person who has to judge it.

revision (edge: git, disk) ─► state ─► compare ─► EnvironmentDiff ─► printers: text, Markdown, JSON
                                        ├─ nodes, components, schedules, delivery: what differs
                                        ├─ diagnostics: what follows from it, and what is noise
                                        └─ graph: the pipeline as a picture, changed tasks marked
"""
