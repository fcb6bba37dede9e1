"""A DSL file that was compiled (`compiling.dsl`): its pipelines as people name them, its components as Python.

`file` is what its process told; `modules` are its statements and those of its neighbours, of which `slices` takes what
a component needs; `literal` writes one by its values; `told` words what is wrong, at its line.
"""
