"""The pipelines of an environment that start each other, read from what is rendered of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.yamlvalue import parse
from kfp_gitops.checking import chains, check, produced
from kfp_gitops.checking.chains import Link, Outputs
from kfp_gitops.checking.produced import Produced
from kfp_gitops.language.manifest import Manifest, nested, reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought, components
from kfp_gitops.sources.environment import Environment

_Texts = Callable[[RenderedPipeline], str]


def problems(env: Environment, pipelines: Sequence[RenderedPipeline], memo: Memo) -> Iterator[Problem]:
    """What is wrong with how they start each other."""
    return chains.problems(env, _links(pipelines, memo), _outputs(pipelines, memo))


def warnings(env: Environment, pipelines: Sequence[RenderedPipeline], memo: Memo) -> list[Problem]:
    """What may be meant."""
    return sorted(chains.warnings(env, _links(pipelines, memo), _outputs(pipelines, memo)))


def _links(pipelines: Sequence[RenderedPipeline], memo: Memo) -> list[Link]:
    starting = (
        one for one in pipelines if "runOn:\n" in one.manifest
    )  # `runOn: change` starts nothing after another
    return [Link(*item) for one in starting for item in json.loads(_known(memo, "links", one, _links_of))]


def _links_of(pipeline: RenderedPipeline) -> str:
    return json.dumps([[*vars(link).values()] for link in chains.links(pipeline.name, _manifest(pipeline))])


def _outputs(pipelines: Sequence[RenderedPipeline], memo: Memo) -> Outputs:
    known = {pipeline.name: pipeline for pipeline in pipelines}

    def outputs(name: str) -> Mapping[str, Produced] | None:
        if name not in known:
            return None
        found = json.loads(_known(memo, "outputs", known[name], _outputs_of))
        return {output: Produced(*one) for output, one in found.items()}

    return outputs


def _outputs_of(pipeline: RenderedPipeline) -> str:
    return json.dumps({name: [*vars(one).values()] for name, one in _produced(pipeline).items()})


def _produced(pipeline: RenderedPipeline) -> Mapping[str, Produced]:
    outer = _manifest(pipeline)
    irs = brought.read_all(pipeline.irs, pipeline.name, outer.ir)
    if outer.ir is not None:
        return produced.of_ir(irs[outer.ir].spec.value)
    known = {name: components.tolerant(name, text, name) for name, text in pipeline.specs.items()}
    inner = {name: reader.unchecked(parse(text, name)) for name, text in pipeline.inner.items()}
    interfaces = {file.removesuffix(".yaml"): brought.interface(one) for file, one in irs.items()}
    for name in nested.innermost_first(outer, inner):
        interfaces[name] = check.interface(inner[name], known, interfaces)
    return produced.of_manifest(check.Context(outer, known, interfaces))


def _manifest(pipeline: RenderedPipeline) -> Manifest:
    manifest = reader.unchecked(parse(pipeline.manifest, pipeline.name))
    return brought.completed(manifest, brought.read_all(pipeline.irs, pipeline.name, manifest.ir))


def _known(memo: Memo, what: str, pipeline: RenderedPipeline, texts: _Texts) -> str:
    """Of thousands of pipelines most are read once."""
    key = f"{what} {pipeline.digest}"
    if key not in memo.fresh:
        memo.fresh[key] = memo.known[key] if key in memo.known else texts(pipeline)
    return memo.fresh[key]
