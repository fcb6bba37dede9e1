"""What people change: environments, values, releases, components, templates.

Comes in: `environments/`, `templates/`, `components/`. Goes out: what an environment is to be rendered from.
"""
