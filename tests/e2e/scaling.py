"""Predictive scaling on a real Kubernetes: usage read, floors reached exactly and early, proposals over real trees.

Two environments, each a namespace of the cluster with a Deployment of the same name; one Prometheus and one Pushgateway
for both, as people have it. Nothing of the product stands in for anything: what it pushes, Prometheus scrapes, and
what it writes, KEDA and the API server take.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import scaling_floors
import scaling_proposals
import scaling_usage
from kube import Failed, tell
from scaling_place import DEV, PROD

_EPILOG = """what it wants of the cluster, whose KUBECONFIG is set: metrics-server, kube-state-metrics, KEDA, VPA, a
Prometheus that scrapes cAdvisor, kube-state-metrics and the Pushgateway (honor_labels) and has the rules of
docs/prometheus/, and
namespaces kfp-scaling-e2e-…, which are made, and deleted. It takes about half an hour.
  PROMETHEUS_URL     Prometheus as this machine reaches it
  NODE_ADDRESS       an address of this machine that pods reach (default: that of PROMETHEUS_URL)
  PUSHGATEWAY_URL    the Pushgateway as this machine reaches it
  IMAGE              an image with a shell (default localhost/busybox:1)

  example: PROMETHEUS_URL=http://10.250.0.1:12404 PUSHGATEWAY_URL=http://10.250.0.1:12405 make e2e-scaling"""
_PARTS: dict[str, Callable[[], None]] = {
    "floors": scaling_floors.shown,
    "usage": scaling_usage.shown,
    "proposals": scaling_proposals.shown,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scaling",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "part", nargs="*", help=f"only these of {', '.join(_PARTS)}; default: all, in this order"
    )
    parser.add_argument("--keep", action="store_true", help="leave the namespaces where they are")
    chosen = parser.parse_args()
    unknown = sorted({*chosen.part} - {*_PARTS})
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    try:
        for name in chosen.part or _PARTS:
            _PARTS[name]()
    except Failed as error:
        tell(f"error: {error}")
        return 1
    finally:
        for place in () if chosen.keep else (DEV, PROD):
            place.namespace.delete()
    tell("\nall of it went through")
    return 0


if __name__ == "__main__":
    sys.exit(main())
