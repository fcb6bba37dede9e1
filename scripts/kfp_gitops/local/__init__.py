"""A pipeline on this machine, without a server.

Comes in: compiled IR and parameters. Goes out: processes, events, and a folder of results.
"""
