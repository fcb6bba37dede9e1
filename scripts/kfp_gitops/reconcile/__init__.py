"""Make KFP match `manifests/<env>/`: desired + actual → plan → guard → apply."""
