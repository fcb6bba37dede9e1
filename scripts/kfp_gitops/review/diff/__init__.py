"""Semantic diff: two states of `manifests/<env>/` → what will happen, for a person who has to judge it.

Whatever differs in anything parsed is told: the layers make it nicer, the floor tells what they leave out.

revision (edge: git, disk) ─► state ─► compare ─► EnvironmentDiff ─► printers: text, Markdown, JSON
                          └─► shared ─────────► SharedDiff ───────┘
                                        ├─ contents, nodes, components, schedules, delivery: what differs, in words
                                        ├─ strict, told: what differs at all, and what of it the records say
                                        ├─ leftover and the floors: the rest, as place, before, after
                                        ├─ follows, shell: what only says again what other files say
                                        ├─ diagnostics: what follows from it, and what is noise
                                        └─ graph: the pipeline as a picture, changed tasks marked
"""
