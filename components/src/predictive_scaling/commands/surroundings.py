"""Arguments that say what services are: values, shapes, rendered manifests."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from predictive_scaling.base.daily import LEAD_MINUTES
from predictive_scaling.shapes.values import read_services
from predictive_scaling.steps import Surroundings
from predictive_scaling.usage.event_files import read_events


def add_surroundings(parser: ArgumentParser) -> None:
    """Add them; without any, no replicas are recommended."""
    parser.add_argument(
        "--services",
        default="",
        metavar="FILE.yaml",
        help="services: {checkout: {container: app, cores: 0.5, max: 40, kind: Deployment}}",
    )
    parser.add_argument(
        "--over",
        action="append",
        default=[],
        metavar="RENDERED.yaml",
        help="manifests as `kubectl kustomize` prints them: containers, requests, autoscalers; may be repeated",
    )
    parser.add_argument(
        "--events", default="", metavar="FOLDER", help="known events, such as environments/prod/events"
    )
    parser.add_argument("--shapes", default="", metavar="FILE.json", help="shapes as `fetch` writes them")
    parser.add_argument(
        "--namespace", default="", help="of the services; default: PREDICTIVE_SCALING_NAMESPACE"
    )
    parser.add_argument(
        "--lead-minutes", type=int, default=LEAD_MINUTES, help="a floor counts so long before its hour"
    )


def surroundings(found: Namespace) -> Surroundings:
    """What they say; raises InputError for a file that cannot be understood."""
    services = read_services(found.services) if found.services else {}
    events = read_events(found.events) if found.events else []
    return Surroundings(services, found.shapes, found.over, found.namespace, found.lead_minutes, events)
