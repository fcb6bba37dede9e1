"""A DSL file is compiled: its code is somebody else's, and runs in a process of its own, with no more than it needs.

`process` is this side. `program` is the other, which may be another Python with another kfp: it and what it imports
(`confined`, `loading`, `watched`, `told`) need nothing but the standard library of Python 3.9 and kfp.
"""
