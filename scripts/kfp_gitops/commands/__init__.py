"""The command lines, one module a command: `main(argv)` → exit code.

Comes in: words of a command line. Goes out: results on stdout, progress and problems on stderr, an exit code.
"""
