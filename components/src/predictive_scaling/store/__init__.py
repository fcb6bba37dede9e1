"""Where models and documents are kept: a folder, or S3; which one, its URI says (`opening`).

Comes in: a URI. Goes out: a registry that reads, writes, and deletes what nothing refers to any more.
"""
