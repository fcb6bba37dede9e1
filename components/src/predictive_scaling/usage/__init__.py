"""Usage data: read from tables or Prometheus, and validated.

Comes in: files, buckets or queries. Goes out: tables by service and hour, and every finding on them.
"""
