"""What people and KFP write: manifests, crons, moments, compiled IR (`irlint`), and the JSON Schemas of every file.

Comes in: documents. Goes out: typed models, and what is wrong with each document by itself.
"""
