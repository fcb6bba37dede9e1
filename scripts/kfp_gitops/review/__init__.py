"""What a change would do, for those who approve it: `diff`, `policy`, `promotion`.

Comes in: an environment as it is and as it would be. Goes out: what differs, what is against policy, pinned releases.
"""
