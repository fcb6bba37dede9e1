"""Policy: what a team wants of everything that is rendered, as data in environments/policy.yaml.

A check selects objects (`select`) and says with a JSON Schema what each must look like; a waiver excuses
one object from one check until a day.
"""

from kfp_gitops.review.policy.judge import judge
from kfp_gitops.review.policy.reader import POLICY, Policy, from_text, read, unknown_environments

__all__ = ["POLICY", "Policy", "from_text", "judge", "read", "unknown_environments"]
