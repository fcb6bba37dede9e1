"""A pipeline on this machine, without a server: `job` is for people, `localrun` the program that runs it.

Comes in: compiled IR and parameters. Goes out: a process for each task, events, and a folder of results.
"""
