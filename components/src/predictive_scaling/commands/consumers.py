"""`consumers`: what acts on floors, written for each service."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from predictive_scaling.base.console import say
from predictive_scaling.base.daily import LEAD_MINUTES
from predictive_scaling.base.documents import read_document
from predictive_scaling.base.errors import InputError
from predictive_scaling.commands.command import Command
from predictive_scaling.consumers.autoscaler import adapter_values
from predictive_scaling.consumers.consumer import Consumer, File
from predictive_scaling.consumers.making import KINDS, PLAIN, consumer
from predictive_scaling.consumers.place import NEWEST, UTILISATION, Place, version
from predictive_scaling.consumers.rules import prometheus_rule, rules_file
from predictive_scaling.consumers.standing import HPA, SCALED_OBJECT
from predictive_scaling.consumers.tree import Tree, rendered
from predictive_scaling.consumers.writing import texts, write
from predictive_scaling.shapes.document import read_shapes
from predictive_scaling.shapes.manifests import of_namespace
from predictive_scaling.shapes.merged import Merged, merged
from predictive_scaling.shapes.values import read_services, said_of

LESSON = """\
Each service needs a maximum and a CPU request, from where one of these has it:

  kubectl kustomize overlays/prod > rendered.yaml
  python -m predictive_scaling consumers --kind keda --over rendered.yaml \\
    --environment prod --namespace shop --prometheus http://prometheus.monitoring:9090 --output overlays/prod/consumers

Then name the folder under `components:` of overlays/prod/kustomization.yaml, and load its rules.yaml into Prometheus.
To run it again, render without it. Environment and namespace are those of the pipelines' values; another's floors are
never read. An autoscaler that stands in the tree gets the floor added, and keeps its bounds and what else it scales by.

KEDA and prometheus-adapter both serve external.metrics.k8s.io, so a cluster has the one or the other. Exit code 1 says
that a service was left out; why is on its line."""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--kind", required=True, choices=KINDS, help="ScaledObjects of KEDA, or HPAs and an adapter rule"
    )
    parser.add_argument("--environment", required=True, help="the run's, as on its gauges")
    parser.add_argument("--namespace", required=True, help="the run's, in which the services are")
    parser.add_argument("--prometheus", required=True, help="its URL, as KEDA reaches it in the cluster")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="folder for a kustomize component")
    parser.add_argument("--over", metavar="RENDERED.yaml", help="what `kubectl kustomize` prints of the tree")
    parser.add_argument(
        "--shapes", metavar="FILE", help="what `fetch --shapes` writes, or a run's artifact `shapes`"
    )
    parser.add_argument(
        "--services", metavar="FILE", help="YAML with services: {checkout: {container: app, max: 40}}"
    )
    parser.add_argument("--service", action="append", default=[], metavar="NAME", help="these alone")
    parser.add_argument(
        "--kubernetes",
        default="{}.{}".format(*NEWEST),
        help="the cluster's version, as 1.34 (default %(default)s); before 1.35 the floor is asked for another way",
    )
    parser.add_argument("--lead-minutes", type=int, default=LEAD_MINUTES, help="default %(default)s")
    parser.add_argument(
        "--utilisation",
        type=float,
        default=UTILISATION,
        help="cpu target of what has none yet, 0–1; default %(default)s",
    )
    parser.add_argument(
        "--by-container",
        action="store_true",
        help="look at the main container's cpu alone: for sidecars that are injected without a request",
    )
    parser.add_argument(
        "--authentication",
        default="",
        metavar="NAME",
        help="TriggerAuthentication with the bearer token that KEDA needs for Prometheus",
    )
    parser.add_argument(
        "--prometheus-rule",
        default="",
        metavar="RELEASE",
        help="rules as a PrometheusRule with this label `release`",
    )


def _run(found: Namespace) -> int:
    place = Place(
        found.environment,
        found.namespace,
        found.prometheus.rstrip("/"),
        found.lead_minutes,
        version(found.kubernetes),
        found.utilisation,
        found.by_container,
        found.authentication,
    )
    if place.authentication and found.kind == PLAIN:
        raise InputError("--authentication: it is KEDA's; the adapter has its own way to Prometheus")
    tree = _tree(found)
    sources = _merged(found, tree)
    consumers = list(_consumers(found, place, sources, tree))
    written = [each for each in consumers if each.written]
    if not written:
        raise InputError("\n".join(_lines(consumers)) or "no service: give --over, --shapes or --services")
    more = [prometheus_rule(written, place, found.prometheus_rule)] if found.prometheus_rule else []
    write(Path(found.output), texts(written, more, _beside(found, written, place)))
    say("\n".join([*_lines(consumers), *_cluster(found.kind, tree)]))
    return 0 if len(written) == len(consumers) else 1


def _tree(found: Namespace) -> Tree:
    if not found.over:
        return Tree(found.namespace)
    try:
        text = Path(found.over).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{found.over}: not UTF-8; give what `kubectl kustomize` prints") from error
    tree = rendered(text, found.over, found.namespace)
    of_namespace(tree.workloads, found.namespace)
    return tree


def _merged(found: Namespace, tree: Tree) -> Merged:
    cluster = read_shapes(read_document(found.shapes), Path(found.shapes).name) if found.shapes else []
    said = said_of(read_services(found.services)) if found.services else {}
    return merged(cluster, tree.workloads, said, found.namespace)


def _consumers(found: Namespace, place: Place, sources: Merged, tree: Tree) -> Iterator[Consumer]:
    unknown = sorted(set(found.service) - set(sources.shapes) - set(sources.told))
    if unknown:
        raise InputError(f"--service {unknown[0]}: no such service in what was given")
    for name in sorted({*sources.shapes, *sources.told}):
        if found.service and name not in found.service:
            continue
        told = (sources.told[name],) if name in sources.told else ()
        shape = sources.shapes.get(name)
        if shape is None:
            yield Consumer(name, place.namespace, (), told)
        elif shape.kind != "DaemonSet" or found.service:
            made = consumer(shape, found.kind, place, tree)
            yield Consumer(name, made.namespace, made.files, (*told, *made.told))


def _beside(found: Namespace, written: list[Consumer], place: Place) -> list[File]:
    return [rules_file(written, place), *([adapter_values(place)] if found.kind == PLAIN else [])]


def _lines(consumers: Iterable[Consumer]) -> Iterator[str]:
    for each in consumers:
        paths = ", ".join(file.path for file in each.files)
        yield f"{each.service}: {paths or 'left out'}"
        yield from (f"  {text}" for text in each.told)


def _cluster(kind: str, tree: Tree) -> Iterator[str]:
    kinds = {each.kind for each in tree.scalers}
    if kind == PLAIN and SCALED_OBJECT in kinds:
        yield "ScaledObjects stand in the tree: KEDA and prometheus-adapter cannot both serve external metrics"
    elif kind == PLAIN:
        yield "prometheus-adapter-values.yaml is for the adapter's chart; a cluster with KEDA cannot have it"
    elif HPA in kinds and any("External" in each.kinds("spec", "metrics") for each in tree.scalers):
        yield "HPAs with external metrics stand in the tree: once KEDA serves those, another adapter's are gone"


CONSUMERS = Command(
    "consumers", "Write what acts on floors: KEDA's ScaledObjects or HPAs", _arguments, _run, LESSON
)
