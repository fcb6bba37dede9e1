"""What people change: `environments/`, `templates/`, `components/`.

Comes in: those files. Goes out: the merged values of an environment and the releases that it renders.
"""
