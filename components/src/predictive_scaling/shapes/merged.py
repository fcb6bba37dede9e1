"""One shape for each service of a run: what people said, over what stands in manifests, over what the cluster has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from predictive_scaling.shapes.shape import Amounts, Container, Shape
from predictive_scaling.shapes.values import Said

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Merged:
    """Shapes by service, and by service what is to be told: why it has none, or what does not fit."""

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)


def merged(
    cluster: Iterable[Shape] = (),
    manifests: Iterable[Shape] = (),
    said: Mapping[str, Said] | None = None,
    namespace: str = "",
) -> Merged:
    """One shape by service. With a namespace those of others do not count; what names none belongs to it.

    A name that two kinds, or two namespaces, have gets no shape until `kind`, or the run's namespace, chooses.
    """
    values = said or {}
    seen, written = (_by_name(each, namespace) for each in (cluster, manifests))
    shapes, told = {}, {}
    for name in sorted({*seen, *written, *values}):
        own = values.get(name, Said())
        choice = _chosen(name, [*seen.get(name, []), *written.get(name, [])], own, namespace)
        if isinstance(choice, str):
            told[name] = choice
            continue
        base = _over(_of(choice, written.get(name, [])), _of(choice, seen.get(name, [])))
        shapes[name] = _said(base or Shape(name, namespace, choice[1]), own)
        odd = "; ".join(_odd(shapes[name], own, known=base is not None))
        told |= {name: odd} if odd else {}
    return Merged(shapes, told)


def _by_name(shapes: Iterable[Shape], namespace: str) -> dict[str, list[Shape]]:
    """By name, those that a recommendation can be addressed to."""
    found: dict[str, list[Shape]] = {}
    for shape in shapes:
        mine = not namespace or shape.namespace in ("", namespace)
        if mine and _LABEL.fullmatch(shape.service):
            found.setdefault(shape.service, []).append(shape)
    return found


_Place = tuple[str, str]
"""Namespace and kind."""


def _chosen(name: str, shapes: Sequence[Shape], said: Said, namespace: str) -> _Place | str:
    """Namespace and kind of the service's workload, or why it cannot be told which."""
    kinds = sorted({shape.kind for shape in shapes if shape.kind})
    if said.kind is None and len(kinds) > 1:
        return f"{' and '.join(kinds)} have this name; choose by services: {{{name}: {{kind: {kinds[0]}}}}}"
    kind = said.kind or (kinds[0] if kinds else "")
    places = sorted({shape.namespace for shape in shapes if shape.namespace and shape.kind == kind})
    if len(places) > 1:
        return f"it stands in the namespaces {' and '.join(places)}; give the run one of them"
    return (places[0] if places else namespace), kind


def _of(place: _Place, shapes: Iterable[Shape]) -> Shape | None:
    namespace, kind = place
    own = [shape for shape in shapes if shape.kind == kind and shape.namespace in ("", namespace)]
    return replace(own[0], namespace=namespace) if own else None


def _over(upper: Shape | None, lower: Shape | None) -> Shape | None:
    """What the upper one says, else the lower."""
    if upper is None or lower is None:
        return upper or lower
    return replace(
        lower,
        replicas=lower.replicas if upper.replicas is None else upper.replicas,
        containers=tuple(_containers(upper.containers, lower.containers)),
        pod=_amounts(upper.pod, lower.pod),
        scaler=upper.scaler or lower.scaler,
    )


def _containers(upper: Sequence[Container], lower: Sequence[Container]) -> Iterator[Container]:
    """By name; what an admission webhook adds stands in the cluster alone, and what it used too."""
    below = {each.name: each for each in lower}
    for each in upper:
        seen = below.pop(each.name, None)
        yield (
            each
            if seen is None
            else replace(
                each,
                requests=_amounts(each.requests, seen.requests),
                limits=_amounts(each.limits, seen.limits),
                use=seen.use,
            )
        )
    yield from below.values()


def _amounts(upper: Amounts, lower: Amounts) -> Amounts:
    return Amounts(
        lower.cpu if upper.cpu is None else upper.cpu, lower.memory if upper.memory is None else upper.memory
    )


def _said(shape: Shape, said: Said) -> Shape:
    return replace(
        shape,
        main=said.container if said.container is not None else shape.main,
        cores=said.cores if said.cores is not None else shape.cores,
        max=said.max if said.max is not None else shape.max,
    )


def _odd(shape: Shape, said: Said, *, known: bool) -> Iterator[str]:
    """What was said and does not fit what is."""
    if said.kind and not known:
        yield f"services names a {said.kind} that neither cluster nor manifests have"
    names = [each.name for each in shape.containers]
    if said.container and names and said.container not in names:
        yield f"services names the container {said.container}; there are {', '.join(names)}"
