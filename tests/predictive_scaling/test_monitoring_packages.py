"""docs/prometheus/operator and …/chart: what is installed is what the rule files say, and fits together."""

import operator
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from project import PROJECT
from servers.process import program
from tools import kustomize_build

PLACE = PROJECT / "docs/prometheus"
RULE_FILES = [path for path in sorted(PLACE.glob("*.yaml")) if path.name != "kfp-gitops-rules.yaml"]
# Fields of monitoring.coreos.com/v1 (prometheus-operator, August 2026), as far as they concern these files.
GROUP = {"name", "interval", "limit", "labels", "query_offset", "partial_response_strategy", "rules"}
RULE = {"alert", "annotations", "expr", "for", "keep_firing_for", "labels", "record"}
ENDPOINT = {"port", "interval", "scrapeTimeout", "path", "honorLabels", "relabelings", "metricRelabelings"}
NAMED = operator.itemgetter("name")
OVERLAY = """\
resources: [{base}]
namespace: watching
labels: [{{pairs: {{release: mine}}}}]
images: [{{name: registry.example.com/prometheus/pushgateway, digest: "sha256:{digest}"}}]
"""


@pytest.fixture(scope="module")
def objects():
    return kustomize_build(PLACE / "operator")


def of_kind(objects, kind):
    return [each for each in objects if each["kind"] == kind]


def groups(path):
    return yaml.safe_load(path.read_text("utf-8"))["groups"]


def test_rules_are_those_of_the_rule_files(objects):
    found = [group for each in of_kind(objects, "PrometheusRule") for group in each["spec"]["groups"]]
    wanted = [group for path in RULE_FILES for group in groups(path)]
    assert sorted(found, key=NAMED) == sorted(wanted, key=NAMED)
    values = yaml.safe_load((PLACE / "chart/rules.yaml").read_text("utf-8"))["serverFiles"]
    assert set(values) == {"recording_rules.yml", "alerting_rules.yml"}
    shipped = [group for each in values.values() for group in each["groups"]]
    assert sorted(shipped, key=NAMED) == sorted(wanted, key=NAMED)
    recorded = [rule for group in values["recording_rules.yml"]["groups"] for rule in group["rules"]]
    assert all("record" in rule for rule in recorded)


def test_what_is_made_is_made_by_the_script():
    command = [sys.executable, "scripts/prometheus_rules.py", "--check"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_fields_are_those_of_the_operator(objects):
    for each in of_kind(objects, "PrometheusRule"):
        assert set(each["spec"]) == {"groups"}
        for group in each["spec"]["groups"]:
            assert set(group) <= GROUP
            for rule in group["rules"]:
                assert set(rule) <= RULE
                assert ("alert" in rule) != ("record" in rule)
    (monitor,) = of_kind(objects, "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert set(endpoint) <= ENDPOINT
    assert endpoint["honorLabels"] is True


def test_prometheus_accepts_the_rules_as_they_are_installed(objects, tmp_path):
    names = []
    for each in of_kind(objects, "PrometheusRule"):
        name = f"{each['metadata']['name']}.yaml"
        (tmp_path / name).write_text(yaml.safe_dump(each["spec"]))
        names.append(name)
    command = [program("promtool"), "check", "rules", *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_scraped_is_the_pushgateway_and_it_keeps_what_was_pushed(objects):
    (monitor,), (service,), (deployment,), (claim,) = (
        of_kind(objects, kind)
        for kind in ("ServiceMonitor", "Service", "Deployment", "PersistentVolumeClaim")
    )
    for each in (service, deployment, claim):
        kubernetes_validate.validate(each, "1.32", strict=True)
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    assert any(arg.startswith(f"--persistence.file={mount['mountPath']}/") for arg in container["args"])
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_pushgateway_runs_under_the_restricted_pod_security_standard(objects):
    (deployment,) = of_kind(objects, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    security = pod["containers"][0]["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_overlay_sets_namespace_release_and_digest(tmp_path):
    base = tmp_path / "base"
    subprocess.run(["cp", "-r", str(PLACE / "operator"), str(base)], check=True)
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(OVERLAY.format(base="../base", digest="0" * 64))
    objects = kustomize_build(overlay)
    assert {each["metadata"]["namespace"] for each in objects} == {"watching"}
    assert {each["metadata"]["labels"]["release"] for each in objects} == {"mine"}
    (deployment,) = of_kind(objects, "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f"@sha256:{'0' * 64}")
    assert "release" not in deployment["spec"]["selector"]["matchLabels"]


def test_a_pushgateway_elsewhere_is_scraped_with_honor_labels_and_once(tmp_path):
    values = yaml.safe_load((PLACE / "chart/pushgateway-elsewhere.yaml").read_text())
    assert values["prometheus-pushgateway"] == {"enabled": False}
    (job,) = yaml.safe_load(values["extraScrapeConfigs"])
    assert job["honor_labels"] is True
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    done = subprocess.run(
        [program("promtool"), "check", "config", str(config)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    own = yaml.safe_load((PLACE / "chart/values.yaml").read_text())["prometheus-pushgateway"]
    assert own["persistentVolume"]["enabled"] is True
    assert any(each.startswith("--persistence.file=/data/") for each in own["extraArgs"])
