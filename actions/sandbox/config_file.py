"""Writes the `vq-tui.toml` of an embedded stack: one environment, ready to use. It names secrets, it holds none."""

import json
from pathlib import Path
from typing import Any

from actions.model.environment import Settings
from actions.model.errors import Refused
from actions.model.files import write_durably
from actions.sandbox.facts import SandboxFacts
from actions.sandbox.layout import COLOURS

ENVIRONMENT = "sandbox"
ENDPOINTS = ("/api/queues", "/api/users", "/api/sessions")


def write_config(facts: SandboxFacts) -> Path:
    """Write the file, 0600, checked against its model. Raises Refused when the path cannot be written in TOML."""
    content = _content(facts)
    Settings.model_validate(content)
    text = "# The embedded stack; written by 'vq-tui sandbox up' and again whenever its ports change.\n" + _toml(
        content
    )
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"{facts.directory!a} is not valid UTF-8, which a configuration file must be") from error
    write_durably(facts.config, raw)
    return facts.config


def _content(facts: SandboxFacts) -> dict[str, Any]:
    return {
        "ledger": str(facts.directory / "ledger"),
        "default_environment": ENVIRONMENT,
        "environments": {
            ENVIRONMENT: {
                "product": "virtual-queue",
                "band": "green",
                "drill": True,
                "interval": 1,
                "sandbox": str(facts.directory),
                "services": {
                    "api": _api(facts),
                    "postgres": _postgres(facts),
                    "redis": _redis(facts),
                    "host": {"kind": "host", "path": str(facts.directory)},
                },
                "policy": {"soak_seconds": 5, "soak_samples": 3, "drain_seconds": 10},
                "notices": {"webhooks": {"oncall": {"url": facts.notices}}},
            }
        },
    }


def _api(facts: SandboxFacts) -> dict[str, Any]:
    return {
        "kind": "http",
        "url": facts.url,
        "health": "/health",
        "ready": "/health/ready",
        "live": "/health/live",
        "endpoints": list(ENDPOINTS),
        "queues": "/api/queues",
        "metrics": "/metrics",
        "logs": [str(facts.directory / "logs" / f"api-{colour}.log") for colour in COLOURS],
        "slots": {colour: _slot(facts, colour) for colour in COLOURS},
        "traffic": {"driver": "router", "admin": facts.admin},
        "witness": {"state": f"{facts.traffic}/state", "audit": f"{facts.traffic}/audit"},
    }


def _slot(facts: SandboxFacts, colour: str) -> dict[str, Any]:
    return {
        "url": facts.colours[colour],
        "address": facts.colours[colour].removeprefix("http://"),
        "workload": _workload(facts, f"api-{colour}"),
    }


def _workload(facts: SandboxFacts, process: str) -> dict[str, Any]:
    return {"driver": "local", "directory": str(facts.directory), "service": process}


def _postgres(facts: SandboxFacts) -> dict[str, Any]:
    return {
        "kind": "postgres",
        "dsn": facts.postgres,
        "password": {"file": str(facts.passwords["vq_monitor"])},
        "schema_query": "select max(version) from schema_version",
        "minimum_tables": 5,
        "workload": _workload(facts, "postgres"),
    }


def _redis(facts: SandboxFacts) -> dict[str, Any]:
    return {
        "kind": "redis",
        "url": facts.redis,
        "password": {"file": str(facts.passwords["redis"])},
        "workload": _workload(facts, "redis"),
    }


def _toml(table: dict[str, Any], prefix: str = "") -> str:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    text = (f"\n[{prefix}]\n" if prefix and plain else "") + "".join(line + "\n" for line in lines)
    return text + "".join(_toml(value, f"{prefix}.{key}" if prefix else key) for key, value in tables.items())


def _value(value: Any) -> str:
    # A JSON string is a TOML basic string, but for the one control character that JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
