"""The diff as one HTML page for whoever reviews it: the records that the other forms are made from, and drawings.

whole: the page, its contents, what is left out ─► pipelines: a section ─► drawing ─► layout: the pipeline as SVG
   │                                                          ├─► tasks: what a box of the picture leads to
   │                                                          ├─► sources: code side by side
   └─► pieces: what there is room for                         └─► changes: rows of changes
   └─► week: the schedules, drawn
"""
