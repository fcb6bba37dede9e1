"""What machines and people are told: gauges by the Pushgateway, notifications by a webhook, log lines.

Comes in: how a run ended, what it recommends. Goes out: metrics, messages and JSON lines, none with a secret.
"""
