"""The command line of the library, a module a command.

Comes in: words of a command line, files or a Prometheus. Goes out: what the steps write, and an exit code.
"""
