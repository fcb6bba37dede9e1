"""Usage in other tools' layouts, as the tidy table: Grafana, CloudWatch, Prometheus' API, published traces.

Comes in: a file in a known layout, or in one that a map describes. Goes out: timestamp, service, cpu, memory.
"""
