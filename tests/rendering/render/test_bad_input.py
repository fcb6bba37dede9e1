"""Every kind of bad input: exit 2, every problem with its file and line, and no file changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import BASE, BOMB, DEV, LATIN, TEMPLATE, Case, rendered
from project import Outcome

CASES = [
    Case(
        "float where a whole number belongs",
        TEMPLATE,
        "maxConcurrency: 1",
        "maxConcurrency: {{ 4 / 2 }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:43:19: schedules.0.maxConcurrency is 2.0, not a whole number (rendered for dev: line 43 `maxConcurrency: 2.0`); write a whole number, such as 3",
        ),
    ),
    Case(
        "float where an environment's whole number belongs",
        BASE,
        "follows: sources",
        "follows: sources\nversions: {keep: 3.0}",
        (
            "environments/base.yaml:5:18: versions.keep is 3.0, not a whole number; write a whole number, such as 3",
        ),
    ),
    Case(
        "interval beyond the calendar",
        TEMPLATE,
        "cron: {{ values.schedule.cron | tojson }}",
        "intervalSeconds: 1000000000000",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:41:20: schedules.0.intervalSeconds is 1000000000000 (rendered for dev: line 41 `intervalSeconds: 1000000000000`); write 2147483647 or less",
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
            "templates/pipelines/hello/pipeline.yaml.j2:15:15: {'parm': 'name'} is not a str (rendered for dev: line 15 `name: {parm: name}`); did you mean `param:`? Otherwise write a str",
        ),
    ),
    Case(
        "variable from a parameter",
        TEMPLATE,
        "    greet:\n",
        "    greet:\n      env: {NAME: {param: name}}\n",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:13:19: spec.tasks.greet.env.NAME lacks 'secret' (rendered for dev: line 13 `env: {NAME: {param: name}}`); write a text, {secret: …, key: …}, {configMap: …, key: …} or {field: …}; what is known only when it runs is an argument",
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
        (
            "environments/dev/values.yaml:5:7: pipelines.hello.values lacks 'threshold'; add `threshold:`, such as `threshold: 3`",
        ),
    ),
    Case(
        "value out of range",
        BASE,
        "threshold: 3",
        "threshold: -1",
        ("environments/base.yaml:14:18: pipelines.hello.values.threshold is -1; write 0 or more",),
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
