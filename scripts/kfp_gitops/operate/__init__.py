"""What is going on, for those who are on call: status, doctor, runs, pauses, backfills.

Comes in: an environment and its KFP. Goes out: findings, and the few actions a person may take.
"""
