"""What Kubernetes refuses of a pod is refused at its line; what it takes is not."""

from __future__ import annotations

import pytest
from kfp_gitops.checking import check
from kfp_gitops.language import quantity
from kfp_gitops.language.manifest import reader
from language import COMPONENTS, HEAD, refusals

TASK = "spec:\n  tasks:\n    a:\n      component: list_names\n      {}\n"
TAKEN = [
    "resources: {cpu: {request: '1', limit: '1.0'}, memory: {request: 1024Mi, limit: 1Gi}}",
    "resources: {cpu: {request: 500m}, memory: {limit: 2Gi}, accelerator: {type: nvidia.com/gpu, limit: 1}}",
    "resources: {accelerator: {type: habana.ai/gaudi, limit: 1}}",
    "env: {A: {field: metadata.name}, B: {field: \"metadata.labels['team/x']\"}, C: {field: status.hostIPs}}",
    "env: {A: {secret: a.b-c, key: .dot}, B: {configMap: c, key: k_1}}",
    "pod: {labels: {example.com/team: A_b.c, team: ''}, annotations: {Sidecar.Istio.io/inject: 'any: thing'}}",
    "placement: {nodeSelector: {example.com/disk: ssd}, tolerations: [{operator: Exists}, {key: gpu, value: 'on'}]}",
    "placement: {nodeAffinity: [{matchExpressions: [{key: cores, operator: Gt, values: ['8']}]}]}",
    "placement: {nodeAffinity: [{matchFields: [{key: metadata.name, operator: In, values: [node-1]}], weight: 5}]}",
    "volumes: {/a: {pvc: data, subPath: x/..y}, /b: {pvc: data}, /c: {emptyDir: {name: work, sizeLimit: '0'}}}",
    "volumes: {/a: {ephemeral: {name: s, accessModes: [ReadWriteOnce, ReadOnlyMany], size: 1Gi, storageClass: ''}}}",
    "securityContext: {runAsUser: 0}",
]
REFUSED = {
    "resources: {cpu: {request: 1500m, limit: '1'}}": "cpu request 1500m of 'a' is above its limit 1",
    "resources: {memory: {request: 1G, limit: 900Mi}}": "memory request 1G of 'a' is above its limit 900Mi",
    "resources: {memory: {limit: 512K}}": "'512K' is no quantity: Kubernetes has k, not K",
    "resources: {accelerator: {type: gpu, limit: 1}}": "'gpu' is no resource of Kubernetes",
    "resources: {accelerator: {type: NVIDIA_TESLA_K80, limit: 1}}": "is no resource of Kubernetes",
    "resources: {accelerator: {type: Nvidia.com/gpu, limit: 1}}": "is no name of a resource",
    "env: {A: {field: spec.nodename}}": "spec.tasks.a.env.A.field is",
    "env: {A: {field: metadata.labels}}": "spec.tasks.a.env.A.field is",
    "env: {A: {field: \"metadata.labels['a b']\"}}": "'a b' is no key of a label",
    "env: {A: {secret: a..b, key: k}}": "'a..b' is no name of an object",
    "env: {A: {secret: a, key: ..k}}": "'..k' is no key of a secret",
    "pod: {labels: {team/: a}}": "'team/' is no key of a label",
    "pod: {labels: {Example.com/team: a}}": "before / stands a domain",
    "pod: {labels: {-team: a}}": "'-team' is no key of a label",
    "pod: {annotations: {a/b/c: x}}": "'a/b/c' is no key of an annotation",
    f"pod: {{annotations: {{a: {'x' * 262144}}}}}": "262145 bytes of annotations",
    "placement: {nodeSelector: {disk: s s d}}": "'s s d' is no value of a label",
    "placement: {nodeSelector: {'a b': x}}": "'a b' is no key of a label",
    "placement: {tolerations: [{key: 'a b', operator: Exists}]}": "'a b' is no key of a label",
    "placement: {tolerations: [{key: a, value: 'x y'}]}": "'x y' is no value of a label",
    "placement: {nodeAffinity: [{matchExpressions: [{key: z, operator: In}]}]}": "In takes one or more values",
    "placement: {nodeAffinity: [{matchExpressions: [{key: z, operator: Exists, values: [a]}]}]}": "takes no values",
    "placement: {nodeAffinity: [{matchExpressions: [{key: z, operator: Lt, values: [many]}]}]}": "a whole number",
    "placement: {nodeAffinity: [{matchFields: [{key: spec.x, operator: In, values: [a]}]}]}": "metadata.name",
    "placement: {nodeAffinity: [{matchFields: [{key: metadata.name, operator: Exists}]}]}": "no operator over fields",
    "volumes: {/a: {secret: a.b}}": "'a.b' is no name of a volume",
    f"volumes: {{/a: {{pvc: {'a' * 64}}}}}": "is no name of a volume",
    "volumes: {/a: {pvc: a, subPath: ../b}}": "leads out of the volume",
    "volumes: {/a: {pvc: a, subPath: /b}}": "leads out of the volume",
    "volumes: {/a: {secret: same}, /b: {configMap: same}}": "/a mounts a volume named 'same' already",
    "volumes: {/a: {secret: same}, /b: {emptyDir: {name: same}}}": "/a mounts a volume named 'same' already",
    "volumes: {/a: {ephemeral: {name: s, accessModes: [ReadWriteOnce, ReadWriteOncePod], size: 1Gi}}}": "stands alone",
    "volumes: {/a: {ephemeral: {name: s, accessModes: [ReadWriteOnce], size: '0'}}}": "'0' is not more than 0",
    "volumes: {/a: {ephemeral: {name: s, accessModes: [ReadWriteOnce], size: 1Gi, storageClass: A}}}": "'A' is no name",
    "securityContext: {runAsUser: 0, runAsNonRoot: true}": "user 0 is root",
}  # fmt: skip


@pytest.mark.parametrize("setting", TAKEN)
def test_what_kubernetes_takes(setting: str) -> None:
    assert refusals(TASK.format(setting)) == []


@pytest.mark.parametrize("setting", REFUSED)
def test_what_it_refuses(setting: str) -> None:
    (found,) = refusals(TASK.format(setting))
    assert found.startswith("5:")
    assert REFUSED[setting] in found


PARAMETERS = """\
spec:
  parameters:
    cpu: {{type: str, default: "{cpu}"}}
    device: {{type: str, default: {device}}}
    secret: {{type: str, default: "{secret}"}}
    selector: {{type: dict, default: {{disk: {disk}}}}}
    tolerations: {{type: list, default: [{{key: gpu, operator: Exists, effect: {effect}}}]}}
    affinity:
      type: dict
      default:
        requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{{matchExpressions: [{term}]}}]}}
    unknown: {{type: str}}
  tasks:
    a:
      component: list_names
      resources: {{cpu: {{request: {{param: cpu}}, limit: '2'}}, accelerator: {{type: {{param: device}}, limit: 1}}}}
      volumes: {{/s: {{secret: {{param: secret}}}}, /t: {{secret: {{param: unknown}}}}}}
      placement:
        nodeSelector: {{param: selector}}
        tolerations: [{{param: tolerations}}]
        nodeAffinity: {{param: affinity}}
schedules:
- name: s
  cron: "0 0 4 * * *"
  enabled: true
  parameters: {{unknown: x, cpu: "{scheduled}"}}
  maxConcurrency: 1
  catchup: false
"""
GOOD = {
    "cpu": "1", "device": "nvidia.com/gpu", "secret": "keys", "disk": "ssd", "effect": "NoSchedule",
    "term": "{key: zone, operator: In, values: [a]}", "scheduled": "2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "bad", "line", "what"),
    [
        ("cpu", "3", 3, "cpu request 3 of 'a' is above its limit 2"),
        ("cpu", "much", 3, "'much' is no quantity"),
        ("device", "gpu", 4, "'gpu' is no resource of Kubernetes"),
        ("secret", "My_Keys", 5, "'My_Keys' is no name of a volume"),
        ("disk", "a/b", 6, "'a/b' is no value of a label"),
        ("effect", "Never", 7, "'Never' is no effect of a taint"),
        ("term", "{key: zone, operator: Near, values: [a]}", 11, "'Near' is no operator"),
        ("scheduled", "2500m", 26, "cpu request 2500m of 'a' is above its limit 2"),
    ],
)
def test_defaults_and_what_schedules_give_are_judged_where_they_stand(
    name: str, bad: str, line: int, what: str
) -> None:
    assert refusals(PARAMETERS.format(**GOOD)) == []
    (found,) = refusals(PARAMETERS.format(**{**GOOD, name: bad}))
    assert found.startswith(f"{line}:")
    assert what in found


CLAIMS = """\
spec:
  tasks:
    make: {{createPvc: {{accessModes: [{modes}], size: {size}, {name}, storageClass: {storage}, dataSource: {source}}}}}
    use: {{component: list_names, volumes: {{/d: {{pvc: {{task: make, output: name}}}}}}}}
    gone: {{deletePvc: {{name: {gone}}}, after: [use]}}
"""
CLAIM = {
    "modes": "ReadWriteOnce",
    "size": "1Gi",
    "name": "nameSuffix: -x",
    "storage": "''",
    "gone": "old",
    "source": "{kind: PersistentVolumeClaim, name: a}",
}


@pytest.mark.parametrize(
    ("name", "bad", "what"),
    [
        ("modes", "ReadWriteTwice", "'ReadWriteTwice' is no access mode"),
        ("modes", "ReadWriteOncePod, ReadWriteOnce", "ReadWriteOncePod stands alone"),
        ("size", "big", "'big' is no quantity"),
        ("size", "'0'", "'0' is not more than 0"),
        ("name", "name: Data", "'Data' is no name of an object"),
        ("name", "nameSuffix: _x", "is no name of an object"),
        ("name", "name: a.b", "'a.b' is no name of a volume"),
        ("name", f"nameSuffix: -{'x' * 40}", "is no name of a volume"),
        ("storage", "Fast", "'Fast' is no name of an object"),
        ("source", "{kind: PersistentVolumeClaim}", "a data source has a name"),
        ("source", "{kind: VolumeSnapshot, name: a}", "'VolumeSnapshot' has an apiGroup"),
        ("gone", "Old", "'Old' is no name of an object"),
    ],
)
def test_claims(name: str, bad: str, what: str) -> None:
    found = refusals(CLAIMS.format(**{**CLAIM, name: bad}))
    assert any(what in one for one in found), found
    assert not any("Kubernetes refuses this" in one for one in refusals(CLAIMS.format(**CLAIM)))


def test_what_is_given_to_a_pipeline_inside_is_judged_where_it_is_given() -> None:
    body = "spec:\n  parameters: {gpu: {type: str}}\n  tasks:\n    a:\n      component: list_names\n"
    body += "      resources: {accelerator: {type: {param: gpu}, limit: 1}}\n"
    inner = reader.read(HEAD + body, "inner.yaml")
    outer = reader.read(HEAD + "spec:\n  tasks:\n    o: {pipeline: inner, arguments: {gpu: gpu}}\n", "o.yaml")
    (found,) = check.problems(outer, COMPONENTS, {"inner": check.interface(inner, COMPONENTS, {})})
    assert str(found).startswith("o.yaml:6:43: Kubernetes refuses this: 'gpu' is no resource")


WORKSPACES = {
    "{size: 1Gi, pvcSpecPatch: {accessModes: [ReadWriteMany], storageClassName: fast}}": None,
    "{size: 1Gi}": "a workspace without accessModes; add `pvcSpecPatch: {accessModes: [ReadWriteOnce]}`",
    "{size: 1Gi, pvcSpecPatch: {storageClassName: fast}}": "a workspace without accessModes",
    "{size: 1Gi, pvcSpecPatch: {accessModes: []}}": "a workspace without accessModes",
    "{size: 1Gi, pvcSpecPatch: {accessModes: [Any]}}": "'Any' is no access mode",
    "{size: 1Gi, pvcSpecPatch: {accessModes: [ReadWriteOnce], storageClassName: ''}}": "no empty storageClassName",
    "{size: 1Gi, pvcSpecPatch: {accessModes: [ReadWriteOnce], volumeMode: Block}}": "KFP sets no volumeMode",
    "{size: 10K, pvcSpecPatch: {accessModes: [ReadWriteOnce]}}": "'10K' is no quantity",
    "{size: '0', pvcSpecPatch: {accessModes: [ReadWriteOnce]}}": "'0' is not more than 0",
}


@pytest.mark.parametrize("workspace", WORKSPACES)
def test_workspaces(workspace: str) -> None:
    found = refusals(f"spec:\n  workspace: {workspace}\n  tasks: {{a: {{component: list_names}}}}\n")
    wanted = WORKSPACES[workspace]
    assert len(found) == (wanted is not None)
    assert all(one.startswith("2:") and str(wanted) in one for one in found)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 1), (".5", 0.5), ("1.", 1), ("500m", 0.5), ("2k", 2000), ("1Ki", 1024), ("1e3", 1000), ("1E", 10**18),
     ("-1", -1), ("1K", None), ("1 Gi", None), ("1gi", None), ("", None), ("one", None), ("1e", None)],
)  # fmt: skip
def test_quantities(text: str, amount: float | None) -> None:
    found = quantity.parse(text)
    assert (found is None) == (amount is None)
    assert found is None or float(found) == amount
