"""Every kind of bad input: exit 2, every problem with its file and line, and no file changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from project import Outcome, snapshot

BASE = "environments/base.yaml"
DEV = "environments/dev/values.yaml"
RELEASE = "environments/dev/release.yaml"
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
SCHEMA = "templates/pipelines/hello/values.schema.json"
COUNT = "components/count_words/component.yaml"
PINNED = "environments/prod/pinned/hello"
LATIN = "latin-1"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(f'*{old}' for _ in range(10))}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


@dataclass(frozen=True)
class Case:
    """One broken input: `old` in a file is replaced by `new` (the whole file when `old` is None)."""

    id: str
    path: str
    old: str | None
    new: str
    says: tuple[str, ...]
    env: str = "dev"


CASES = [
    Case(
        "float where a whole number belongs",
        TEMPLATE,
        "maxConcurrency: 1",
        "maxConcurrency: {{ 4 / 2 }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):43:19: schedules.0.maxConcurrency is 2.0, not a whole number (in `maxConcurrency: 2.0`); write a whole number",
        ),
    ),
    Case(
        "float where an environment's whole number belongs",
        BASE,
        "follows: sources",
        "follows: sources\nversions: {keep: 3.0}",
        ("environments/base.yaml:5:18: versions.keep is 3.0, not a whole number; write a whole number",),
    ),
    Case(
        "interval beyond the calendar",
        TEMPLATE,
        "cron: {{ values.schedule.cron | tojson }}",
        "intervalSeconds: 1000000000000",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):41:20: schedules.0.intervalSeconds is 1000000000000 (in `intervalSeconds: 1000000000000`); maximum is 2147483647",
        ),
    ),
    Case(
        "wrong type of a value",
        DEV,
        "name: dev",
        "name: 7",
        (
            "environments/dev/values.yaml:5:13: pipelines.hello.values.name is 7, not a text; write it in quotes: '7'",
        ),
    ),
    Case(
        "wrong type of our own key",
        BASE,
        "namespace: ''",
        "namespace: 5",
        ("environments/base.yaml:7:14: kfp.namespace is 5, not a text; write it in quotes: '5'",),
    ),
    Case(
        "value that its schema does not declare",
        DEV,
        "name: dev",
        "name: dev\n      nightly: true",
        (
            "environments/dev/values.yaml:6:7: unknown key 'pipelines.hello.values.nightly'; declare it in templates/pipelines/hello/values.schema.json, or remove it; known are: items, name, schedule, threshold",
        ),
    ),
    Case(
        "address of a repository that Argo CD cannot clone",
        BASE,
        "url: https://git.example.com/",
        "url: git.example.com/",
        (
            'environments/base.yaml:3:8: repository.url is "git.example.com/example/repository.git"; where Argo CD clones the repository from: https://host/team/repository.git, ssh://… or git@host:team/repository.git; without a password',
        ),
    ),
    Case(
        "address of a repository with a password",
        BASE,
        "url: https://git.example.com/",
        "url: https://me:secret@git.example.com/",
        (
            'environments/base.yaml:3:8: repository.url is "https://[hidden]@git.example.com/example/repository.git"; where Argo CD clones the repository from: https://host/team/repository.git, ssh://… or git@host:team/repository.git; without a password',
        ),
    ),
    Case(
        "time zones that are none",
        BASE,
        "follows: sources\n",
        "follows: sources\ntimeZone: Europe/Berln\n",
        (
            "environments/base.yaml:5:11: timeZone is 'Europe/Berln', which is no time zone; write a name of the IANA data base, such as Europe/Berlin",
        ),
    ),
    Case(
        "sync windows that never open, in a zone that is none",
        BASE,
        "  namespace: kubeflow\n",
        "  namespace: kubeflow\n  syncWindows:\n  - {kind: allow, schedule: '0 7 * * 1-9', duration: 9h, timeZone: Europe, manualSync: true}\n",
        (
            "environments/base.yaml:11:29: no cron: End of range (9) above maximum (6): 1-9; correct the field",
            "environments/base.yaml:11:68: delivery.syncWindows.0.timeZone is 'Europe', which is no time zone; write a name of the IANA data base, such as Europe/Berlin",
        ),
    ),
    Case(
        "reference that is misspelt",
        TEMPLATE,
        "        name: {param: name}",
        "        name: {parm: name}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):15:15: {'parm': 'name'} is not a str (in `name: {parm: name}`); did you mean `param:`? Otherwise write a str",
        ),
    ),
    Case(
        "variable from a parameter",
        TEMPLATE,
        "    greet:\n",
        "    greet:\n      env: {NAME: {param: name}}\n",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):13:19: spec.tasks.greet.env.NAME lacks 'secret' (in `env: {NAME: {param: name}}`); write a text, {secret: …, key: …}, {configMap: …, key: …} or {field: …}; what is known only when it runs is an argument",
        ),
    ),
    Case(
        "unknown key, with a suggestion",
        BASE,
        "  namespace: kubeflow",
        "  namespce: kubeflow",
        (
            "environments/base.yaml:9:3: delivery lacks 'namespace'; add `namespace:` (where the reconciler runs)",
            "environments/base.yaml:9:3: unknown key 'delivery.namespce'; did you mean 'namespace'?",
        ),
    ),
    Case(
        "unknown value of a pipeline",
        DEV,
        "name: dev",
        "nam: dev",
        ("environments/dev/values.yaml:5:7: unknown key 'pipelines.hello.values.nam'; did you mean 'name'?",),
    ),
    Case(
        "missing value",
        BASE,
        "      threshold: 3\n",
        "",
        ("environments/dev/values.yaml:5:7: pipelines.hello.values lacks 'threshold'; add `threshold:`",),
    ),
    Case(
        "value out of range",
        BASE,
        "threshold: 3",
        "threshold: -1",
        ("environments/base.yaml:14:18: pipelines.hello.values.threshold is -1; minimum is 0",),
    ),
    Case(
        "repository overridden by an environment",
        DEV,
        "follows: sources",
        "follows: sources\nrepository: {id: another-repository}",
        (
            "environments/dev/values.yaml:2:1: the repository's identity cannot differ between environments; keep it in environments/base.yaml only",
        ),
    ),
    Case(
        "unknown way to follow",
        DEV,
        "follows: sources",
        "follows: main",
        ('environments/dev/values.yaml:1:10: follows is "main"; choose one of "sources", "pinned"',),
    ),
    Case(
        "bad YAML",
        DEV,
        "    values:",
        "    values: [",
        (
            "environments/dev/values.yaml:6:1: not YAML: did not find expected ',' or ']'; correct the syntax here or just above",
        ),
    ),
    Case(
        "a tab as indentation",
        DEV,
        "      name: dev",
        "\tname: dev",
        (
            "environments/dev/values.yaml:5:1: not YAML: found character that cannot start any token; indent with spaces instead of tabs, or put the text in quotes",
        ),
    ),
    Case(
        "duplicate key",
        DEV,
        "      name: dev",
        "      name: dev\n      name: prod",
        ("environments/dev/values.yaml:6:7: key 'name' is given twice; keep one of them",),
    ),
    Case(
        "alias bomb",
        DEV,
        None,
        BOMB,
        (
            "environments/dev/values.yaml:5:36: more than 100000 nodes after aliases are expanded; make the file smaller",
        ),
    ),
    Case(
        "recursive alias",
        DEV,
        "name: dev",
        "name: &n [*n]",
        ("environments/dev/values.yaml:5:17: alias *n has no complete anchor before it; write the value",),
    ),
    Case(
        "a tag that would run code",
        DEV,
        "name: dev",
        "name: !!python/object/apply:os.system [id]",
        (
            "environments/dev/values.yaml:5:13: tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed; write plain YAML",
        ),
    ),
    Case(
        "deep nesting",
        DEV,
        "name: dev",
        "name: " + "[" * 200 + "]" * 200,
        ("environments/dev/values.yaml:5:74: nested deeper than 64 levels; flatten it",),
    ),
    Case(
        "a scalar that YAML versions read differently",
        DEV,
        "name: dev",
        "name: yes",
        (
            "environments/dev/values.yaml:5:13: yes is read differently by YAML 1.1 and YAML 1.2; write 'yes' in quotes for a text, or true, false or a decimal number",
        ),
    ),
    Case(
        "merge key",
        DEV,
        "      name: dev",
        "      <<: {name: dev}",
        ("environments/dev/values.yaml:5:7: merge keys (<<) are not YAML 1.2; write the keys out",),
    ),
    Case(
        "not a map",
        DEV,
        None,
        "- a\n",
        ("environments/dev/values.yaml:1:1: the file is not a map; write `key: value` lines",),
    ),
    Case(
        "empty file",
        DEV,
        None,
        "",
        ("environments/dev/values.yaml:1:1: the file is not a map; write `key: value` lines",),
    ),
    Case(
        "two documents",
        DEV,
        "pipelines:",
        "---\npipelines:",
        ("environments/dev/values.yaml:1:1: more than one YAML document; keep one, without `---` between",),
    ),
    Case(
        "not UTF-8",
        DEV,
        None,
        LATIN,
        ("environments/dev/values.yaml: not UTF-8 at byte 9; save the file as UTF-8",),
    ),
    Case(
        "pipeline without a template",
        DEV,
        "  hello:",
        "  helo: {values: {}}\n  hello:",
        (
            "environments/dev/values.yaml:3:3: no template for pipeline 'helo'; create templates/pipelines/helo/, or choose one of: hello",
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
        "unknown component",
        TEMPLATE,
        "component: count_words",
        "component: count_word",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:17:1: unknown component 'count_word'; create components/count_word/component.yaml, or correct the name",
        ),
    ),
    Case(
        "component name from a value",
        TEMPLATE,
        "component: count_words",
        "component: {{ 'count_' ~ 'words' }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):17:18: component 'count_words' does not stand literally in the template (in `component: count_words`); write its name without Jinja, or choose one of: greet",
        ),
    ),
    Case(
        "undefined variable",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ values.nme | tojson }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: 'dict object' has no attribute 'nme'; define it in values.yaml or base.yaml, or correct the name; braces that are text stand between {% raw %} and {% endraw %}",
        ),
    ),
    Case(
        "undefined name",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ valus.name }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: 'valus' is undefined; define it in values.yaml or base.yaml, or correct the name; braces that are text stand between {% raw %} and {% endraw %}",
        ),
    ),
    Case(
        "syntax error of the template",
        TEMPLATE,
        "{{ values.threshold }}",
        "{{ values.threshold }",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):11:8: not YAML: did not find expected ',' or '}' (in `tasks:`); correct the syntax here or just above",
        ),
    ),
    Case(
        "unknown filter",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ values.name | attr('x') }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: No filter named 'attr'; correct the template's syntax; braces that are text stand between {% raw %} and {% endraw %}",
        ),
    ),
    Case(
        "template that reaches for a class",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ ''.__class__.__mro__ }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: access to attribute '__class__' of 'str' object is unsafe; templates read values; they run no code and reach no attributes",
        ),
    ),
    Case(
        "template that reaches for globals",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ cycler.__init__.__globals__ }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: access to attribute '__init__' of 'StrictUndefined' object is unsafe; templates read values; they run no code and reach no attributes",
        ),
    ),
    Case(
        "template that includes a file outside",
        TEMPLATE,
        "apiVersion: kfp",
        "{% include '../../../environments/base.yaml' %}\napiVersion: kfp",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:1:1: template: there is no template '../../../environments/base.yaml' in its folder; include templates of the same folder only",
        ),
    ),
    Case(
        "template that includes an absolute path",
        TEMPLATE,
        "apiVersion: kfp",
        "{% include '/etc/passwd' %}\napiVersion: kfp",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:1:1: template: there is no template '/etc/passwd' in its folder; include templates of the same folder only",
        ),
    ),
    Case(
        "template that blows up memory",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ 'x' * 1000000000 }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: * is allowed between two numbers only, and ** nowhere; templates read values; they run no code and reach no attributes",
        ),
    ),
    Case(
        "template that loops for ever",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{% for i in range(1000000000) %}x{% endfor %}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000); correct the expression",
        ),
    ),
    Case(
        "division by zero",
        TEMPLATE,
        "{{ values.threshold }}",
        "{{ 1 / 0 }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:10:1: template: division by zero; correct the expression",
        ),
    ),
    Case(
        "result is not YAML",
        TEMPLATE,
        "  tasks:\n    greet:",
        "  tasks: [\n    greet:",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):13:16: not YAML: did not find expected ',' or ']' (in `component: greet`); correct the syntax here or just above",
        ),
    ),
    Case(
        "result with an unknown key",
        TEMPLATE,
        "  description: Greets",
        "  descripton: x\n  description: Greets",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):5:3: unknown key 'metadata.descripton' (in `descripton: x`); did you mean 'description'?",
        ),
    ),
    Case(
        "result without an owner",
        TEMPLATE,
        "  owner: tests\n",
        "",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):4:3: metadata lacks 'owner' (in `name: hello`); add `owner:` (the team that is asked when it fails)",
        ),
    ),
    Case(
        "name that is not the pipeline's",
        TEMPLATE,
        "name: {{ pipeline }}",
        "name: other",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):4:9: the name is 'other' (in `name: other`); write 'hello'",
        ),
    ),
    Case(
        "unknown task",
        TEMPLATE,
        "{task: greet, output: greeting}",
        "{task: gret, output: greeting}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):19:15: unknown task 'gret' (in `text: {task: gret, output: greeting}`); choose one of: count, greet, greet-few, greet-item, greet-many",
        ),
    ),
    Case(
        "unknown output",
        TEMPLATE,
        "{task: greet, output: greeting}",
        "{task: greet, output: text}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):19:15: task 'greet' has no output 'text' (in `text: {task: greet, output: text}`); choose one of: greeting",
        ),
    ),
    Case(
        "unknown parameter",
        TEMPLATE,
        "name: {param: name}",
        "name: {param: nam}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):15:15: unknown parameter 'nam' (in `name: {param: nam}`); declare it, or choose one of: name, threshold",
        ),
    ),
    Case(
        "unknown argument",
        TEMPLATE,
        "        text: {task",
        "        txt: {task",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):16:5: task 'count' lacks the argument 'text' (in `count:`); component 'count_words' needs it: a str",
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):19:9: component 'count_words' takes no argument 'txt' (in `txt: {task: greet, output: greeting}`); choose one of: text",
        ),
    ),
    Case(
        "argument of the wrong type",
        TEMPLATE,
        "arguments: {name: few}",
        "arguments: {name: 5}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):30:31: 5 is not a str (in `arguments: {name: 5}`); write a str",
        ),
    ),
    Case(
        "parameter of the wrong type",
        TEMPLATE,
        "{task: greet, output: greeting}",
        "{param: threshold}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):19:15: an int is given where 'text' takes a str (in `text: {param: threshold}`); refer to another output",
        ),
    ),
    Case(
        "default of the wrong type",
        TEMPLATE,
        "type: int, default: {{ values.threshold }}",
        "type: int, default: three",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):10:37: 'three' is not an int (in `threshold: {type: int, default: three}`); write an int",
        ),
    ),
    Case(
        "the same task id twice",
        TEMPLATE,
        "greet-few:",
        "greet-many:",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):23:9: task id 'greet-many' is used twice (in `greet-many:`); task ids are unique in the whole pipeline",
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):28:11: task id 'greet-many' is used twice (in `greet-many:`); task ids are unique in the whole pipeline",
        ),
    ),
    Case(
        "output of a task in another branch",
        TEMPLATE,
        "arguments: {name: few}",
        "arguments: {name: {task: greet-many, output: greeting}}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):30:31: task 'greet-many' runs in a group that this is not in (in `arguments: {name: {task: greet-many, output: greeting}}`); move this into the same branch, or use {oneOf: […]} with an output of each branch",
        ),
    ),
    Case(
        "item of no loop",
        TEMPLATE,
        "arguments: {name: few}",
        "arguments: {name: {item: each}}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):30:31: no loop 'each' is around this (in `arguments: {name: {item: each}}`); loops around it: none",
        ),
    ),
    Case(
        "tasks that wait for each other",
        TEMPLATE,
        "name: {param: name}",
        "name: {param: name}\n      after: [count]",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):12:5: tasks wait for each other: greet → count (in `greet:`); break the circle",
        ),
    ),
    Case(
        "five-field cron",
        BASE,
        "'0 0 3 * * 1'",
        "'0 3 * * 1'",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):41:9: cron '0 3 * * 1' has five fields, which KFP reads with seconds first (in `cron: \"0 3 * * 1\"`); write '0 0 3 * * 1' (seconds first), or '0 3 * * 1 *' for what KFP would do",
        ),
    ),
    Case(
        "concurrency out of range",
        TEMPLATE,
        "maxConcurrency: 1",
        "maxConcurrency: 11",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):43:19: schedules.0.maxConcurrency is 11 (in `maxConcurrency: 11`); maximum is 10",
        ),
    ),
    Case(
        "catch-up left unsaid",
        TEMPLATE,
        "  catchup: false\n",
        "",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):40:3: schedules.0 lacks 'catchup' (in `- name: weekly`); add `catchup:` (true: run every missed tick; false: one run after a gap)",
        ),
    ),
    Case(
        "empty loop",
        BASE,
        "[a, b]",
        "[]",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):33:16: the list is empty (in `items: []`); give at least one item: KFP refuses an empty list",
        ),
    ),
    Case(
        "quote in a condition",
        TEMPLATE,
        "gt: [{task: count, output: words}, {param: threshold}]",
        'eq: [{task: greet, output: greeting}, "it\'s"]',
        (
            'templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):21:50: "it\'s" cannot be compared (in `if: {eq: [{task: greet, output: greeting}, "it\'s"]}`); use a number, true, false, or a text without quotes and backslashes (KFP does not escape them)',
        ),
    ),
    Case(
        "parameter named like a word of Python",
        TEMPLATE,
        "    name: {type: str",
        "    class: {type: str, default: ''}\n    name: {type: str",
        (
            "templates/pipelines/hello/pipeline.yaml.j2 (rendered for dev):9:5: parameter 'class' is a word of Python (in `class: {type: str, default: ''}`); choose another name",
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


def _break(root: Path, case: Case) -> None:
    path = root / case.path
    text = path.read_text("utf-8") if path.is_file() else ""
    if case.new == LATIN:
        path.write_bytes(b"follows: \xe9\n")
    elif case.old is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(case.new, "utf-8")
    else:
        assert text.count(case.old) == 1, f"{case.old!r} stands {text.count(case.old)} times in {case.path}"
        path.write_text(text.replace(case.old, case.new), "utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_is_refused_with_its_position_and_changes_nothing(
    case: Case, repository: Path, command: Callable[..., Outcome]
) -> None:
    _break(repository, case)
    before = snapshot(repository)
    outcome = command("render", "--root", repository, "--env", case.env)
    assert outcome.err.splitlines() == list(case.says)
    assert outcome.code == 2
    assert outcome.out == ""
    assert snapshot(repository) == before
