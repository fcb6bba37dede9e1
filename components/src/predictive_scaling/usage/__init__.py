"""Usage data: read from tables and Prometheus, checked, told what is wrong with it."""
