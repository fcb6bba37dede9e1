"""A file of KFP's DSL: what of it becomes components in Python, and where what is wrong stands in it."""
