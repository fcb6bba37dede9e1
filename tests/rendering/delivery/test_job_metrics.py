"""The rendered Jobs tell a Pushgateway: each command, and what a disabled environment takes back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import delivered
import pytest
from delivered import Object
from job_kit import AUDIENCE, Command, rendered_again
from kfp_gitops.devserver import DevServer
from kfpapi.stub import Answer, Stub
from kubelet import Pod
from locking.fake_leases import FakeLeases
from servers.prometheus import PushgatewayServer

# An environment of a lock that is new is installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def push_gateway() -> Iterator[Stub]:
    """A Pushgateway that takes whatever it is told, and keeps it."""
    with Stub(lambda _: Answer(202)) as found:
        yield found


@pytest.fixture
def telling(
    tmp_path: Path,
    server: DevServer,
    cluster: FakeLeases,
    push_gateway: Stub,
    build: Callable[..., tuple[Object, ...]],
) -> Callable[[str], Pod]:
    """`telling(name)`: a pod of the rendered manifests, which tells the Pushgateway."""
    return _telling(tmp_path, server, cluster, build, push_gateway.url)


def _telling(
    tmp_path: Path, server: DevServer, cluster: FakeLeases, build: Callable[..., tuple[Object, ...]], url: str
) -> Callable[[str], Pod]:
    where = f"{{url: '{url}', namespace: monitoring, podLabels: {{app: gateway}}, port: 9091}}"
    objects = build(server.url, f"  pushGateway: {where}\n")
    templates = dict(delivered.pods(objects))
    tokens = {AUDIENCE: "any", "": "token-of-kubernetes"}

    def pod(name: str) -> Pod:
        return Pod(templates[name], objects, tmp_path / name, tokens, cluster.stub.url)

    pod.names = list(templates)  # type: ignore[attr-defined]  # for `_every_command`
    return pod


def test_apply_and_both_checks_tell_the_pushgateway(
    push_gateway: Stub, telling: Callable[[str], Pod]
) -> None:
    for name in ("kfp-gitops-dev", "kfp-gitops-dev-drift", "kfp-gitops-dev-status"):
        before = len(push_gateway.seen)
        done = telling(name).run(anew=True)
        assert done.code == 0, done.err
        assert len(push_gateway.seen) > before, f"{name} told nothing"
    assert {seen.path.split("/")[1] for seen in push_gateway.seen} == {"metrics"}
    told = b"".join(seen.body for seen in push_gateway.seen)
    assert b"kfp_gitops_missed_firings" in told and b"kfp_gitops_last_run_failed" in told


def _every_command(telling: Callable[[str], Pod]) -> None:
    """Of every Job and CronJob, in the order in which they do their work."""
    names = telling.names  # type: ignore[attr-defined]  # as `_telling` gives it
    named = {name.removeprefix("kfp-gitops-dev"): name for name in names}
    assert set(named) == {"", "-drift", "-status"}
    for suffix in ("", "-drift", "-status"):
        done = telling(named[suffix]).run()
        assert done.code == 0, done.err
        assert "could not be pushed" not in done.err, done.err


def test_every_rendered_command_runs_in_the_image_and_tells_a_pushgateway(
    push_gateway: Stub, telling: Callable[[str], Pod]
) -> None:
    _every_command(telling)
    told = {found[1] for seen in push_gateway.seen if (found := re.search(r"/command/([a-z]+)", seen.path))}
    assert {"apply", "plan", "status"} <= told


def test_a_disabled_environment_takes_back_what_its_checks_told(
    push_gateway: Stub, repository: Path, telling: Callable[[str], Pod], tmp_path: Path, command: Command
) -> None:
    """Else what was found last would be an alarm for ever, and that no check runs another one."""
    apply = telling("kfp-gitops-dev")
    assert apply.run().code == 0
    values = repository / "environments/dev/values.yaml"
    values.write_text(f"state: disabled\n{values.read_text('utf-8')}", "utf-8")
    objects, disable = rendered_again(repository, command)
    done = Pod(disable, objects, tmp_path / "disable", apply.tokens, apply.kubernetes).run()
    assert done.code == 0, done.err
    deleted = [seen.path for seen in push_gateway.seen if seen.method == "DELETE"]
    assert {path.split("/command/")[1] for path in deleted} == {
        f"{what}/environment/dev" for what in ("plan", "status", "apply", "trigger")
    }


def test_every_rendered_command_tells_a_real_pushgateway(
    tmp_path: Path, server: DevServer, cluster: FakeLeases, build: Callable[..., tuple[Object, ...]]
) -> None:
    gateway = PushgatewayServer(tmp_path / "pushgateway")
    gateway.start()
    try:
        _every_command(_telling(tmp_path, server, cluster, build, gateway.url))
        with urlopen(f"{gateway.url}/metrics") as reply:
            kept = reply.read().decode()
    finally:
        gateway.kill()
    for command in ("apply", "plan", "status"):
        assert re.search(rf'kfp_gitops_exit_code{{[^}}]*command="{command}"[^}}]*}} 0', kept), kept[:2000]


def test_an_unhealthy_environment_is_prometheus_alarm_and_no_failed_check(
    push_gateway: Stub, telling: Callable[[str], Pod]
) -> None:
    nothing_applied = telling("kfp-gitops-dev-status").run()
    assert nothing_applied.code == 0, nothing_applied.err
    assert b"kfp_gitops_drift_objects" in b"".join(seen.body for seen in push_gateway.seen)


def test_without_a_pushgateway_nobody_would_hear_the_status_check(
    server: DevServer, build: Callable[..., tuple[Object, ...]]
) -> None:
    assert not [name for name, _ in delivered.pods(build(server.url, "")) if name.endswith("-status")]
