"""Runs in Swift's own environment: rings of one device. Arguments: folder, then server=port for each ring."""

import sys

from swift.common.ring import RingBuilder

folder, *servers = sys.argv[1:]
for server in servers:
    name, port = server.split("=")
    builder = RingBuilder(part_power=2, replicas=1, min_part_hours=1)
    device = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1}
    builder.add_dev({**device, "replication_ip": "127.0.0.1", "replication_port": int(port)})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
