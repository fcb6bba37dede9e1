"""The ground of the library: errors, clock, documents, settings of the environment, series, HTTP.

Comes in: texts, variables and answers of servers. Goes out: values that are checked, or an error that says what to do.
"""
