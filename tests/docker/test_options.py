"""A service that uses nearly everything that Compose can say: the engine describes it the same before and after.

What may differ after a rollback and after its way back is listed in `inspected`, each with its reason.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docker.compose_versions import Compose
from tests.docker.driven import Driven
from tests.docker.inspected import differences
from tests.docker.project import ComposeProject
from tests.ports import block_number, free_ports

pytestmark = pytest.mark.machine("docker")

FILE = """services:
  api:
    image: {image}
    scale: {replicas}
    command: ["--first", "a b"]
    environment: {{CANARY: "{canary}", EMPTY: "", SPACES: " a=b ", MODE: ok}}
    env_file: [more.env]
    labels: {{vq-tui-test.project: "{name}", plain: "", dotted.name: "a,b=c"}}
    ports: ["127.0.0.1:{first}:8080", "127.0.0.1:{udp}-{udp_last}:9090/udp"]
    expose: ["7070", "7071/udp"]
    restart: on-failure:7
    user: "0:0"
    group_add: ["11", "12"]
    working_dir: /tmp
    hostname: host-of-api
    domainname: example.test
    init: true
    tty: true
    stdin_open: true
    privileged: false
    read_only: false
    ipc: shareable
    pid: host
    userns_mode: host
    shm_size: 70m
    stop_signal: SIGINT
    stop_grace_period: 1s
    runtime: runc
    isolation: default
    cgroup_parent: /vqt
    cap_add: [NET_ADMIN, SYS_TIME]
    cap_drop: [MKNOD]
    security_opt: ["no-new-privileges:true", "seccomp=unconfined"]
    sysctls: {{net.core.somaxconn: "200", net.ipv4.ip_unprivileged_port_start: "0"}}
    ulimits: {{nproc: 400, nofile: {{soft: 900, hard: 1000}}}}
    devices: ["/dev/null:/dev/other:r", "/dev/zero"]
    device_cgroup_rules: ["c 1:3 mr"]
    dns: [9.9.9.9, 8.8.4.4]
    dns_opt: ["ndots:3"]
    dns_search: [a.example.test, b.example.test]
    extra_hosts: ["first.test:10.1.2.3", "second.test:10.1.2.4"]
    tmpfs: ["/scratch:size=1m,mode=700"]
    cpu_shares: 300
    cpu_quota: 90000
    cpu_period: 100000
    cpuset: "0"
    mem_limit: 300m
    mem_reservation: 100m
    memswap_limit: 400m
    mem_swappiness: 10
    oom_score_adj: 150
    oom_kill_disable: false
    pids_limit: 200
    logging: {{driver: json-file, options: {{max-size: 1m, max-file: "2", tag: x}}}}
    healthcheck: {{test: ["CMD", "/python", "-c", "pass"], interval: 2s, timeout: 3s, retries: 4, start_period: 5s}}
    networks:
      default: {{aliases: [other, third]}}
      inner: {{ipv4_address: 10.{octet}.9, aliases: [deep]}}
    volumes:
      - named:/named
      - named:/read:ro
      - /anonymous
      - ./bound:/bound:ro
      - {{type: bind, source: ./bound, target: /long, read_only: true, bind: {{propagation: rprivate}}}}
      - {{type: volume, source: named, target: /nocopy, volume: {{nocopy: true}}}}
      - {{type: volume, target: /nameless}}
      - {{type: tmpfs, target: /fast, tmpfs: {{size: 1000000}}}}
volumes:
  named: {{labels: {{vq-tui-test: "{name}"}}}}
networks:
  inner: {{ipam: {{config: [{{subnet: 10.{octet}.0/24}}]}}}}
"""


@pytest.fixture
def whole(engine: Any, releases: dict[str, str], tmp_path: Path, compose: Compose) -> Iterator[ComposeProject]:
    udp = free_ports(3)  # one of them is chosen by the engine, and nobody else takes it meanwhile
    own = {"octet": f"{100 + int(compose.generation)}.{block_number()}", "udp": udp, "udp_last": udp + 2}
    file = re.sub(r"\{(octet|udp|udp_last)\}", lambda found: str(own[found[1]]), FILE)
    project = ComposeProject(tmp_path, "1.1.0", engine=engine, replicas=1, file=file, compose=compose)
    (project.folder / "bound").mkdir()
    (project.folder / "more.env").write_text("FROM_FILE=yes\n")
    with project:
        yield project


async def test_everything_that_was_said_is_there_afterwards(whole: ComposeProject, undo: Path) -> None:
    driven = Driven(whole)
    try:
        (before,) = whole.containers()
        changes = await driven.plan("1.0.0")
        await driven.carry_out(changes, undo)
        (after,) = whole.containers()
        assert after["Id"] != before["Id"] and differences(before, after) == {}
        await asyncio.to_thread(whole.up)
        assert [one["Id"] for one in whole.containers()] == [after["Id"]], "Compose sees what it would make itself"
        await driven.back(changes, undo)
        (again,) = whole.containers()
        assert again["Id"] != before["Id"] and differences(before, again) == {}
    finally:
        await driven.access.close()
