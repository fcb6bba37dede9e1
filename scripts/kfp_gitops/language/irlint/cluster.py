"""What KFP's backend and Kubernetes refuse of the executors of an IR, and of their settings in the platform document.

Only the outermost structure of these settings is known to be right, so every part is looked at before it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language import kubernetes_names as names
from kfp_gitops.language import pod_rules, quantity, storage, workspaces
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Ir, Node, bound

Found = Iterator[tuple[Path, str | None]]
_RESOURCES = ("resourceCpuRequest", "resourceCpuLimit", "resourceMemoryRequest", "resourceMemoryLimit")
_MOUNTED = {
    "secretAsVolume": ("secretName", "secretNameParameter"),
    "configMapAsVolume": ("configMapName", "configMapNameParameter"),
    "pvcMount": ("constant", "pvcNameParameter"),
}
_NAMED = {
    "secretAsEnv": ("secretName", "secretNameParameter"),
    "configMapAsEnv": ("configMapName", "configMapNameParameter"),
    "imagePullSecret": ("secretName", "secretNameParameter"),
}


def findings(ir: Ir) -> Iterator[Finding]:
    """Containers and importers."""
    for label, executor in ir.executors.items():
        if container := _map(executor.get("container")):
            at: Path = ("deploymentSpec", "executors", label, "container")
            yield from _told(at, 0, _container(container))
    yield from importers(ir)
    root = ir.spec.get("defaultPipelineRoot")
    if isinstance(root, str) and root and (fault := storage.root(root)):
        yield Finding(0, ("defaultPipelineRoot",), *fault, "pipeline-root")


def importers(ir: Ir) -> Iterator[Finding]:
    """URIs that KFP does not read: constants, and defaults of the pipeline's own parameters."""
    for label, executor in ir.executors.items():
        if importer := _map(executor.get("importer")):
            yield from _importer(ir, label, ("deploymentSpec", "executors", label, "importer"), importer)


def platform(document: Node) -> Iterator[Finding]:
    """The settings for Kubernetes."""
    spec = _map(_map(document.get("platforms")).get("kubernetes"))
    at: Path = ("platforms", "kubernetes")
    for label, settings in _map(_map(spec.get("deploymentSpec")).get("executors")).items():
        place = (*at, "deploymentSpec", "executors", label)
        yield from _told(place, 1, _settings(_map(settings)))
    config = _map(spec.get("pipelineConfig"))
    if "workspace" in config:
        yield from _workspace((*at, "pipelineConfig", "workspace"), _map(config["workspace"]))


def _told(at: Path, document: int, found: Found) -> Iterator[Finding]:
    for path, fault in found:
        if fault:
            yield Finding(document, (*at, *path), f"Kubernetes refuses this: {fault}", "correct it")


def _container(container: Node) -> Found:
    for index, variable in _items(container.get("env")):
        yield ("env", index, "name"), _checked(names.env_name, variable.get("name"))
    resources = _map(container.get("resources"))
    for key in _RESOURCES:
        yield ("resources", key), pod_rules.amount(_constant(resources.get(key)))
    for kind in ("Cpu", "Memory"):
        asked, most = (_amount(resources, kind, side) for side in ("Request", "Limit"))
        if quantity.exceeds(asked, most):
            fault = f"the {kind.lower()} request {asked} is above the limit {most}"
            yield ("resources", f"resource{kind}Request"), fault
    accelerator = _map(resources.get("accelerator"))
    kind = _constant(accelerator.get("resourceType") or accelerator.get("type"))
    yield ("resources", "accelerator"), _checked(names.accelerator, kind)
    yield (
        ("resources", "accelerator", "resourceCount"),
        pod_rules.count(_constant(accelerator.get("resourceCount"))),
    )


def _amount(resources: Node, kind: str, side: str) -> Any:
    """As the driver reads it (getPodResource): the newer field, or the number that older SDKs wrote; memory in GB."""
    older = resources.get(f"{kind.lower()}{side}")
    unit = "G" if kind == "Memory" else ""
    return resources.get(f"resource{kind}{side}") or (f"{older}{unit}" if older else None)


def _importer(ir: Ir, label: str, at: Path, importer: Node) -> Iterator[Finding]:
    kind = str(_map(importer.get("typeSchema")).get("schemaTitle", "")).removeprefix("system.")
    to_workspace = importer.get("downloadToWorkspace") is True
    uri = _map(importer.get("artifactUri"))
    is_read = _is_read(ir, label)
    given = [((*at, "artifactUri", "constant"), uri["constant"])] if "constant" in uri else []
    if isinstance(parameter := uri.get("runtimeParameter"), str):
        given += _defaults(ir, label, parameter)
    for place, value in given:
        if isinstance(value, str):
            fault = storage.importer(value, kind, to_workspace=to_workspace, is_read=is_read)
            accepted = "unfit-default" if place[0] == "root" else ""
            yield from [Finding(0, place, *fault, accepted)] if fault else []


def _is_read(ir: Ir, label: str) -> bool:
    """Whether a container beside an importer takes its artifact."""
    for parent in ir.all():
        runs = {
            key: component.node for key, task in parent.tasks.items() if (component := ir.component(task))
        }
        made = {key for key, node in runs.items() if node.get("executorLabel") == label}
        for key, node in runs.items() if made else ():
            sources = [
                _map(one.get("taskOutputArtifact")) for one in bound(parent.tasks[key], "artifacts").values()
            ]
            if "executorLabel" in node and any(source.get("producerTask") in made for source in sources):
                return True
    return False


def _defaults(ir: Ir, label: str, parameter: str) -> list[tuple[Path, Any]]:
    """The defaults of the pipeline's own parameters from which an importer takes its URI."""
    found: list[tuple[Path, Any]] = []
    for task in ir.root.tasks.values():
        component = ir.component(task)
        if component is None or component.node.get("executorLabel") != label:
            continue
        name = bound(task, "parameters").get(parameter, {}).get("componentInputParameter")
        declared = ir.root.declared("inputs", "parameters").get(name, {})
        if "defaultValue" in declared:
            place = ("root", "inputDefinitions", "parameters", name, "defaultValue")
            found.append((place, declared["defaultValue"]))
    return found


def _settings(settings: Node) -> Found:
    for kinds, rule in ((_MOUNTED, names.volume_name), (_NAMED, names.object_name)):
        for field, keys in kinds.items():
            for index, item in _items(settings.get(field)):
                for key in keys:
                    yield (field, index, key), _checked(rule, _given(item.get(key)))
                yield from _mount((field, index), item)
    for index, item in _items(settings.get("fieldPathAsEnv")):
        yield ("fieldPathAsEnv", index, "name"), _checked(names.env_name, item.get("name"))
        yield ("fieldPathAsEnv", index, "fieldPath"), _checked(names.field_path, item.get("fieldPath"))
    yield from _metadata(("podMetadata",), _map(settings.get("podMetadata")))
    yield from _placement(settings)
    for index, item in _items(settings.get("genericEphemeralVolume")):
        yield from _ephemeral(("genericEphemeralVolume", index), item)
    for index, item in _items(settings.get("emptyDirMounts")):
        at: Path = ("emptyDirMounts", index)
        yield (*at, "volumeName"), _checked(names.volume_name, item.get("volumeName"))
        yield (*at, "sizeLimit"), pod_rules.amount(item.get("sizeLimit")) if item.get("sizeLimit") else None


def _mount(at: Path, item: Node) -> Found:
    yield (*at, "subPath"), _checked(names.sub_path, item.get("subPath"))
    for index, key in _items(item.get("keyToEnv")):
        place = (*at, "keyToEnv", index)
        yield (*place, "envVar"), _checked(names.env_name, key.get("envVar"))
        for name in ("secretKey", "configMapKey"):
            yield (*place, name), _checked(names.data_key, key.get(name))


def _metadata(at: Path, metadata: Node) -> Found:
    for key, value in _map(metadata.get("labels")).items():
        yield (*at, "labels", key), pod_rules.label_map({key: value})
    yield (*at, "annotations"), pod_rules.annotation_map(_map(metadata.get("annotations")))


def _placement(settings: Node) -> Found:
    selector = _map(settings.get("nodeSelector"))
    for key, value in _map(selector.get("labels")).items():
        yield ("nodeSelector", "labels", key), pod_rules.label_map({key: value})
    yield ("nodeSelector",), pod_rules.label_map(_given(selector.get("nodeSelectorJson")))
    for index, item in _items(settings.get("tolerations")):
        value = _given(item["tolerationJson"]) if "tolerationJson" in item else item
        yield ("tolerations", index), pod_rules.tolerations(value)
    for index, term in _items(settings.get("nodeAffinity")):
        yield ("nodeAffinity", index), pod_rules.node_affinity(_given(term.get("nodeAffinityJson")))
        for key in ("matchExpressions", "matchFields"):
            for number, match in _items(term.get(key)):
                fault = pod_rules.match(match, of_fields=key == "matchFields")
                yield ("nodeAffinity", index, key, number), fault


def _ephemeral(at: Path, volume: Node) -> Found:
    yield (*at, "volumeName"), _checked(names.volume_name, volume.get("volumeName"))
    yield (*at, "accessModes"), pod_rules.access_modes(volume.get("accessModes", []))
    yield (*at, "size"), pod_rules.size(volume.get("size", ""))
    yield (*at, "storageClassName"), pod_rules.storage_class(volume.get("storageClassName"))
    yield from _metadata((*at, "metadata"), _map(volume.get("metadata")))


def _workspace(at: Path, workspace: Node) -> Iterator[Finding]:
    patch = _map(_map(workspace.get("kubernetes")).get("pvcSpecPatch"))
    for key, what, todo in workspaces.faults(workspace.get("size"), patch):
        inside: Path = (key,) if key in ("", "size") else ("kubernetes", "pvcSpecPatch", key)
        yield Finding(1, (*at, *inside) if key else at, what, todo)


def _checked(rule: names.Rule, value: Any) -> str | None:
    return rule(value) if isinstance(value, str) and value and "{{" not in value else None


def _constant(value: Any) -> Any:
    """A setting as it is written, when no parameter of the run is put into it."""
    return None if isinstance(value, str) and (not value or "{{" in value) else value


def _given(value: Any) -> Any:
    """The constant of a source, or what is there in place of one; None when it comes from the run."""
    return _map(value.get("runtimeValue")).get("constant") if isinstance(value, Mapping) else value


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, item in enumerate(value) if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield index, item
