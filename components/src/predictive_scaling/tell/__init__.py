"""What machines and people are told: gauges, the Pushgateway, notifications, logs."""
