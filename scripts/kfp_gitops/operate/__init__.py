"""How an environment is, and what people on call do about it: `status`, `doctor`, `runs`, `following`, `operations`.

Comes in: `manifests/<env>/` and its KFP. Goes out: findings, each with its remedy, and runs that a person asked for.
"""
