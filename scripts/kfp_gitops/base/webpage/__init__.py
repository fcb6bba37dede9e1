"""The shell of every page that is made here: one HTML file that stands by itself.

- `page`: the whole file: policy, looks in light and dark, skip link.
- `filled`: a part of it from a template, each value escaped.
- `fitting`: as many parts as there is room for.
"""
