"""The processes of the stack as specs for the supervisor."""

import os
import re
import sys
from pathlib import Path

from actions.clients.processes import ProcessSpec
from actions.model.files import write_durably
from actions.platforms.local.launch import unprivileged_user
from actions.sandbox.binaries import postgres_program, valkey_server
from actions.sandbox.layout import Layout, Ports
from actions.sandbox.release_files import Release

PROCESSES = ("postgres", "redis", "api-blue", "api-green", "router", "traffic")
MAX_CONNECTIONS = 40
RATE = 50


def _python(module: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", module, *words)


def api_spec(layout: Layout, ports: Ports, colour: str, release: Release) -> ProcessSpec:
    """One colour of the API. Another release is put in place by replacing `release` and `artefact`."""
    port = ports.model_dump()[colour]
    return ProcessSpec(
        name=f"api-{colour}",
        argv=_python("actions.sandbox.api", "{release_dir}", colour, str(port), str(layout.directory)),
        releases=layout.releases,
        release=release.manifest.version,
        artefact=release.manifest.artefact,
        ports={"http": port},
        labels={"service": "api", "colour": colour},
        stop_seconds=6,
    )


def router_spec(layout: Layout, ports: Ports) -> ProcessSpec:
    """The router in front of both colours."""
    return ProcessSpec(
        name="router",
        argv=_python("actions.sandbox.router", str(layout.directory), str(ports.router)),
        ports={"http": ports.router},
        labels={"service": "router"},
        stop_seconds=6,
    )


def traffic_spec(layout: Layout, ports: Ports, rate: float) -> ProcessSpec:
    """Steady traffic through the router, and the sink for notices. Rate in requests a second; 0 sends nothing."""
    return ProcessSpec(
        name="traffic",
        argv=_python("actions.sandbox.traffic", str(layout.directory), f"{rate:g}"),
        ports={"http": ports.traffic},
        labels={"service": "traffic"},
    )


def stuck_spec(layout: Layout) -> ProcessSpec:
    """A client that takes connections and locks and gives none back (a fault)."""
    return ProcessSpec(
        name="stuck-client",
        argv=_python("actions.sandbox.stuck_client", str(layout.directory)),
        labels={"service": "fault"},
    )


def postgres_spec(layout: Layout, ports: Ports) -> ProcessSpec:
    """PostgreSQL, small, durable, on loopback only. Three connections stay reserved for the monitoring role."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": str(MAX_CONNECTIONS),
        "reserved_connections": "3",
        "shared_buffers": "16MB",
        "max_wal_size": "64MB",
        "min_wal_size": "32MB",
        "dynamic_shared_memory_type": "mmap",  # nothing below /dev/shm that a kill could leave behind
        "jit": "off",
        "max_parallel_workers": "0",
        "max_logical_replication_workers": "0",
        "idle_in_transaction_session_timeout": "0",
        "client_connection_check_interval": "2s",
        "log_line_prefix": "%m [%p] ",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return ProcessSpec(
        name="postgres",
        argv=(
            str(postgres_program("postgres")),
            "-D",
            str(layout.postgres / "data"),
            "-p",
            str(ports.postgres),
            *options,
        ),
        cwd=layout.postgres,
        user=unprivileged_user(),
        stop_signal="SIGINT",  # fast shutdown
        death_signal="SIGQUIT",  # immediate shutdown, which also gives its shared memory back
        ports={"postgres": ports.postgres},
        labels={"service": "postgres"},
        stop_seconds=10,
    )


def redis_spec(layout: Layout, ports: Ports) -> ProcessSpec:
    """Valkey with an append-only file. Its configuration file holds the password and is written here, 0600."""
    lines = [
        "bind 127.0.0.1",
        f"port {ports.redis}",
        f"requirepass {layout.secret('redis')}",
        f"dir {_quoted(layout.redis)}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory 64mb",
        "maxmemory-policy noeviction",
        "daemonize no",
        "loglevel notice",
    ]
    configuration = layout.redis / "redis.conf"
    write_durably(configuration, ("\n".join(lines) + "\n").encode())
    return ProcessSpec(
        name="redis",
        argv=(str(valkey_server()), _as_pattern(configuration)),
        cwd=layout.redis,
        ports={"redis": ports.redis},
        labels={"service": "redis"},
    )


def _as_pattern(path: Path) -> str:
    """The path as a pattern that matches only it: the server expands the path of its configuration file as a shell
    does, and where nothing matches starts with its defaults."""
    text = str(path)
    return re.sub(r"[\\*?\[]", r"\\\g<0>", text) if set(text) & set("*?[") else text


def _quoted(path: Path) -> str:
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in os.fsencode(path)
    )
    return f'"{escaped}"'
