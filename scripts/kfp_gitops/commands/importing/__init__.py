"""The doors of `import.py`: a compiled file, a DSL file, a running server, the files of other tools."""
