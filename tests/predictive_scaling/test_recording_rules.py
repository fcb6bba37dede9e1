"""docs/prometheus/recording-rules.yaml and the expressions that need no rules, against what a real cluster used."""

import shutil
import subprocess

import pytest
import yaml
from cluster_recordings import MINUTES, NAMES, evaluated, truth
from predictive_scaling.usage import expressions
from predictive_scaling.usage.columns import CPU_QUERY, MEMORY_QUERY, REPLICAS_QUERY
from predictive_scaling.usage.expressions import Selection
from project import HERE, PROJECT
from servers.process import program

RULES = PROJECT / "docs/prometheus/recording-rules.yaml"
TESTS = HERE / "predictive_scaling/usage_rules.test.yaml"
# What lives for seconds has no rate of its own; a page cache that comes and goes depends on the instant.
SHORT = {"flappy", "oom", "evict", "twice", "gone"}
CACHE = {"diskr", "diskw", "memw"}
SHOP = Selection("shop")
WORKING_SET = "predictive_scaling:memory_bytes:working_set"
BY_HAND = {
    CPU_QUERY: expressions.cores(SHOP),
    MEMORY_QUERY: expressions.pod_memory(SHOP),
    REPLICAS_QUERY: expressions.replicas(SHOP),
    "predictive_scaling:container_requests:max": expressions.amounts(SHOP, "requests"),
    "predictive_scaling:container_limits:max": expressions.amounts(SHOP, "limits"),
}


@pytest.fixture(scope="module", params=NAMES)
def answers(request, tmp_path_factory):
    asked = [*BY_HAND, *BY_HAND.values(), WORKING_SET]
    return evaluated(RULES, request.param, asked, tmp_path_factory.mktemp(request.param))


def rows(answers, expression, minute):
    return {
        (labels["namespace"], labels["kind"], labels["service"]): value
        for labels, value in answers[expression, minute]
    }


def test_rules_do_what_their_tests_say(tmp_path):
    shutil.copy(RULES, tmp_path)
    shutil.copy(TESTS, tmp_path)
    done = subprocess.run(
        [program("promtool"), "test", "rules", TESTS.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_cpu_is_what_the_cgroups_say_through_rollouts_and_restarts(answers):
    shares = []
    for (minute, *key), true in truth().items():
        if (
            minute in MINUTES
            and key[1]
            and key[1] != "Job"
            and true.cpu > 0.001
            and key[2] not in SHORT | CACHE
        ):
            shares.append(rows(answers, CPU_QUERY, minute)[tuple(key)] / true.cpu)
    assert len(shares) > 150
    assert 0.75 < min(shares) < max(shares) < 1.1
    assert sum(shares) / len(shares) == pytest.approx(1, abs=0.01)


def test_containers_that_crash_at_once_have_cpu(answers):
    seen = [rows(answers, CPU_QUERY, minute).get(("shop", "Deployment", "flappy"), 0.0) for minute in MINUTES]
    true = [truth()[minute, "shop", "Deployment", "flappy"].cpu for minute in MINUTES]
    assert sum(seen) / sum(true) == pytest.approx(1, abs=0.3)


def test_memory_and_pods_are_what_the_cgroups_say(answers):
    compared = 0
    for (minute, *key), true in truth().items():
        if minute not in MINUTES or not key[1] or key[1] == "Job" or key[2] in SHORT:
            continue
        if true.memory > 4 * 2**20 and key[2] != "diskr":
            compared += 1
            assert rows(answers, WORKING_SET, minute)[tuple(key)] == pytest.approx(true.memory, rel=0.08)
            containers = [
                value
                for labels, value in answers[MEMORY_QUERY, minute]
                if (labels["namespace"], labels["kind"], labels["service"]) == tuple(key)
            ]
            assert max(containers) == pytest.approx(true.largest, rel=0.08)
    assert compared >= 50


def test_each_workload_has_its_own_name_and_no_other(answers):
    names = {key for minute in MINUTES for key in rows(answers, CPU_QUERY, minute)}
    true = {key[1:] for key in truth() if key[2] and key[2] != "Job"}
    assert {key for key in true if key[2] not in {"gone"}} <= names
    assert all(service and service != "kube-state-metrics" for _, _, service in names)
    assert ("shop", "ReplicaSet", "web-blue") in names
    assert ("shop", "Rollout", "canary") in names
    assert {("shop", "Deployment", "dup"), ("shop", "StatefulSet", "dup")} <= names


@pytest.mark.parametrize("recorded", BY_HAND)
def test_expression_without_rules_gives_what_the_rules_record(answers, recorded):
    for minute in MINUTES:
        by_rule = {
            tuple(sorted(labels.items())): value
            for labels, value in answers[recorded, minute]
            if labels["namespace"] == "shop"
        }
        by_hand = {
            tuple(sorted(labels.items())): value for labels, value in answers[BY_HAND[recorded], minute]
        }
        assert by_hand
        assert by_hand == pytest.approx(by_rule)


def test_names_that_fetch_reads_are_recorded():
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert {*BY_HAND, WORKING_SET} <= {rule["record"] for rule in group["rules"]}
