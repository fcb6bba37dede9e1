"""A KFP server as it is: its API, what of it is ours, and what it tells of runs.

Comes in: an address and credentials. Goes out: pipelines, versions, schedules and runs as frozen records.
"""
