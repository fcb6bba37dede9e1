"""What a change would do, for those who review it: diff, policy, promotion.

Comes in: two states of an environment. Goes out: words, Markdown or JSON, and pinned releases.
"""
