"""What people read of a forecast: the page, its tables and charts, Markdown.

Comes in: forecasts, their evaluation, a validation. Goes out: HTML and Markdown as texts.
"""
