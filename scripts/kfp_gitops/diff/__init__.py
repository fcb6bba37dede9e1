"""Semantic diff: two states of `manifests/<env>/` → what will happen, for a person who has to judge it.

revision (edge: git, disk) ─► texts ─► compare ─► EnvironmentDiff ─► printers: text, Markdown, JSON
                                        ├─ nodes, components, schedules: what differs
                                        └─ graph: the pipeline as a picture, changed tasks marked
"""
