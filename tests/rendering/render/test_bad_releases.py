"""Releases, components and pinned copies that are wrong: exit 2, each with its file and line, and no file changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import BASE, COUNT, DEV, PINNED, RELEASE, SCHEMA, TEMPLATE, Case, rendered
from project import Outcome

CASES = [
    Case(
        "pipeline without a template",
        DEV,
        "  hello:",
        "  helo: {values: {}}\n  hello:",
        (
            "environments/dev/values.yaml:3:3: no template for pipeline 'helo'; create templates/pipelines/helo/, name the one it is made from (`template:`), or choose one of: hello",
        ),
    ),
    Case(
        "image without a digest",
        RELEASE,
        "registry.example.com/steps@sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "registry.example.com/steps:latest",
        (
            'environments/dev/release.yaml:4:10: images.steps is "registry.example.com/steps:latest"; an image by digest: registry/name@sha256:<64 hex digits>',
        ),
    ),
    Case(
        "a step of KFP's own mapped to an image",
        RELEASE,
        "  steps: ",
        "  argostub/createpvc: registry.example.com/steps@sha256:1111111111111111111111111111111111111111111111111111111111111111\n  steps: ",
        (
            "environments/dev/release.yaml:4:3: 'argostub/createpvc' is no image: by that very text KFP knows that it makes or removes a volume claim; remove the line, it cannot be mapped",
        ),
    ),
    Case(
        "the same in what was promoted",
        "environments/prod/release.yaml",
        "    images:\n",
        "    images:\n      argostub/deletepvc: registry.example.com/steps@sha256:1111111111111111111111111111111111111111111111111111111111111111\n",
        (
            "environments/prod/release.yaml:11:7: 'argostub/deletepvc' is no image: by that very text KFP knows that it makes or removes a volume claim; remove the line, it cannot be mapped",
        ),
        env="prod",
    ),
    Case(
        "no image of the reconciler",
        RELEASE,
        "  reconciler: registry.example.com/reconciler@sha256:2222222222222222222222222222222222222222222222222222222222222222\n",
        "",
        ("environments/dev/release.yaml:4:3: no image of the reconciler; add `reconciler:`",),
    ),
    Case(
        "image that the release does not name",
        COUNT,
        "image: steps",
        "image: ubuntu",
        (
            "components/count_words/component.yaml:9:12: image 'ubuntu' is neither by digest nor a name in release.yaml; write name@sha256:…, or a name that the release maps (reconciler, steps)",
        ),
    ),
    Case(
        "image with a tag that only looks like a digest",
        COUNT,
        "image: steps",
        "image: ubuntu:latest@sha256:0123",
        (
            "components/count_words/component.yaml:9:12: image 'ubuntu:latest@sha256:0123' is not a valid reference, which no Kubernetes would pull, nor a name in release.yaml; write name@sha256:…, or a name that the release maps (reconciler, steps)",
        ),
    ),
    Case(
        "image that only looks like a step of KFP's backend",
        COUNT,
        "image: steps",
        "image: argostub/miner",
        (
            "components/count_words/component.yaml:9:12: image 'argostub/miner' is neither by digest nor a name in release.yaml; write name@sha256:…, or a name that the release maps (reconciler, steps)",
        ),
    ),
    Case(
        "schema that is not JSON",
        SCHEMA,
        '"type": "object",\n  "additional',
        '"type": "object"\n  "additional',
        (
            "templates/pipelines/hello/values.schema.json:4:3: not JSON: Expecting ',' delimiter; correct the syntax",
        ),
    ),
    Case(
        "schema that is no JSON Schema",
        SCHEMA,
        '{ "type": "integer", "minimum": 0 }',
        '{ "type": "integre" }',
        (
            "templates/pipelines/hello/values.schema.json:8:28: not a JSON Schema: 'integre' is not valid under any of the given schemas; correct it",
        ),
    ),
    Case(
        "schema with a keyword that means nothing",
        SCHEMA,
        '"minimum": 0',
        '"minimun": 0',
        (
            "templates/pipelines/hello/values.schema.json:8:39: 'minimun' is no keyword of JSON Schema; did you mean 'minimum'?",
        ),
    ),
    Case(
        "schema that refers to a file",
        SCHEMA,
        '{ "type": "integer", "minimum": 0 }',
        '{ "$ref": "file:///etc/passwd" }',
        (
            "templates/pipelines/hello/values.schema.json:8:28: $ref 'file:///etc/passwd' leaves the file; refer to #/$defs/… only",
        ),
    ),
    Case(
        "schema that refers to nothing",
        SCHEMA,
        '{ "type": "integer", "minimum": 0 }',
        '{ "$ref": "#/$defs/count" }',
        ("environments/dev/values.yaml: a reference of its schema leads nowhere; correct the $ref",),
    ),
    Case(
        "schema that refers to itself",
        SCHEMA,
        None,
        '{ "$ref": "#" }',
        ("environments/dev/values.yaml: its schema refers to itself without end; correct the $ref",),
    ),
    Case(
        "component spec that is none",
        COUNT,
        None,
        "name: x\n",
        (
            "components/count_words/component.yaml:1:1: the document lacks 'implementation'; add `implementation:` (a `container`; or compile component.py with `python scripts/components.py`)",
        ),
    ),
    Case(
        "v1 component whose output is written where KFP does not look",
        COUNT,
        "args: [{inputValue: text}, {outputPath: words}]",
        "args: [{inputValue: text}]\n    fileOutputs: {words: /out/words}",
        (
            "components/count_words/component.yaml:6:10: the container is not told where to write 'words': KFP ignores fileOutputs; give it {outputPath: …} among its args",
            "KFP registers that all the same; who runs it so can accept it in the manifest: `acceptedFaults: [output-unwritten]` in `spec:` (docs/manifest-reference.md)",
        ),
    ),
    Case(
        "unknown component in the line below its key",
        TEMPLATE,
        "component: count_words",
        "component:\n        count_word",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:18:1: unknown component 'count_word'; create components/count_word/component.yaml, or correct the name",
        ),
    ),
    *(
        Case(
            f"a host that no URL can have: {host}",
            BASE,
            "host: http://ml-pipeline.kubeflow.svc.cluster.local:8888",
            f"host: {host}",
            (
                f"environments/base.yaml:6:9: '{host}' is no URL with a host, and a port from 1 to 65535; write http://HOST:PORT or https://…",
            ),
        )
        for host in (
            "http://[ml-pipeline",
            "http://ml-pipeline:888888",
            "http://ml-pipeline:port",
            "http://:80",
        )
    ),
    Case(
        "a Pushgateway that no URL can have",
        BASE,
        "  namespace: kubeflow\n",
        "  namespace: kubeflow\n  pushGateway: {url: 'http://push:x', namespace: m, podLabels: {a: b}, port: 9091}\n",
        (
            "environments/base.yaml:10:22: 'http://push:x' is no URL with a host, and a port from 1 to 65535; write http://HOST:PORT or https://…",
        ),
    ),
    Case(
        "several scalars that YAML readers disagree about, and a key twice",
        BASE,
        "      name: world\n",
        "      name: 0x1F\n      other: 2026-01-01\n      third: yes\n      third: 1\n",
        (
            "environments/base.yaml:13:13: 0x1F is read differently by YAML 1.1 and YAML 1.2; write '0x1F' in quotes for a text, or true, false or a decimal number",
            "environments/base.yaml:14:14: 2026-01-01 is a time to KFP or kubectl, and a text to YAML 1.2; write '2026-01-01' in quotes for a text",
            "environments/base.yaml:15:14: yes is read differently by YAML 1.1 and YAML 1.2; write 'yes' in quotes for a text, or true, false or a decimal number",
            "environments/base.yaml:16:7: key 'third' is given twice; keep one of them",
        ),
    ),
    Case(
        "pinned template edited",
        f"{PINNED}/pipeline.yaml.j2",
        "owner: tests",
        "owner: others",
        (
            "environments/prod/release.yaml:9:13: the pinned copy in environments/prod/pinned/hello has the release digest sha256:ff439bedaec32e45c0927b13289a359ced045d7e2eb4bc6e22e6f076ef7fc679, another one was promoted; restore the copy with git, or promote again; pinned copies are never edited",
        ),
        env="prod",
    ),
    Case(
        "pinned component edited",
        f"{PINNED}/components/greet.yaml",
        "hello ",
        "goodbye ",
        (
            "environments/prod/release.yaml:9:13: the pinned copy in environments/prod/pinned/hello has the release digest sha256:6d99034c0b006420796245a54bff2129ea6a50629ad774f0ab5a47a21df2ada5, another one was promoted; restore the copy with git, or promote again; pinned copies are never edited",
        ),
        env="prod",
    ),
    Case(
        "pinned copy with a file too many",
        f"{PINNED}/extra.j2",
        None,
        "x",
        (
            "environments/prod/release.yaml:9:13: the pinned copy in environments/prod/pinned/hello has the release digest sha256:062eebd415c288a9b879f0292848f7bc955e48e73d6c9ae50051b56862e1c9ce, another one was promoted; restore the copy with git, or promote again; pinned copies are never edited",
        ),
        env="prod",
    ),
    Case(
        "an editor's backup beside the template",
        f"{TEMPLATE}.bak",
        None,
        "x",
        (
            "templates/pipelines/hello/pipeline.yaml.j2.bak: no part of a pipeline, and would be released with it; remove it; a pipeline has templates (*.j2), values.schema.json and compiled pipelines (*.yaml)",
        ),
    ),
    Case(
        "pipeline that was never promoted",
        "environments/prod/values.yaml",
        "  hello:",
        "  other: {values: {}}\n  hello:",
        (
            "environments/prod/values.yaml:3:3: pipeline 'other' was never promoted to prod; run `python scripts/promote.py --from ENV --to prod --pipeline other`",
        ),
        env="prod",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_is_refused_with_its_position_and_changes_nothing(
    case: Case, repository: Path, command: Callable[..., Outcome]
) -> None:
    outcome, changed = rendered(case, repository, command)
    assert outcome.err.splitlines() == list(case.says)
    assert outcome.code == 2
    assert outcome.out == ""
    assert not changed
