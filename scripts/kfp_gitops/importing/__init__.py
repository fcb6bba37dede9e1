"""From compiled IR back to what people edit, with the proof: what comes of it is compiled and held against the file.

Comes in: a compiled pipeline's text. Goes out: a template, component specs, values and their schema, as texts by path.
"""
