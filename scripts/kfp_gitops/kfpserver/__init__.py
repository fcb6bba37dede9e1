"""A KFP server: `kfpapi` talks to it, `ownership` tells what on it is ours, `runtree` what its runs did.

Comes in: an address and credentials. Goes out: pipelines, versions, schedules and runs as frozen records.
"""
