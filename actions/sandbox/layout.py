"""Where everything of one embedded stack lies below its state directory, and which ports it chose."""

import json
import secrets
import socket
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from actions.model.base import Fact
from actions.model.errors import Refused, VqError
from actions.model.files import write_durably

MARKER = "sandbox.json"
COLOURS = ("blue", "green")
SECRETS = ("postgres", "vq", "vq_monitor", "redis")
DATABASE = "vq"


class Ports(Fact):
    """Ports on 127.0.0.1."""

    router: int
    blue: int
    green: int
    postgres: int
    redis: int
    traffic: int


class Layout:
    """Paths of one stack. The marker file says that a directory is one, so that nothing else is ever removed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.marker = self.directory / MARKER
        self.releases = self.directory / "releases"
        self.secrets = self.directory / "secrets"
        self.postgres = self.directory / "postgres"
        self.redis = self.directory / "redis"
        self.traffic = self.directory / "traffic"
        self.logs = self.directory / "logs"
        self.ledger = self.directory / "ledger"
        self.config = self.directory / "vq-tui.toml"
        self.notices = self.directory / "notices.jsonl"
        self.faults = self.directory / "faults.json"
        self.router_table = self.directory / "router.json"
        self.router_socket = self.directory / "router.sock"

    @property
    def exists(self) -> bool:
        """Whether a stack was set up here."""
        return self.marker.is_file()

    def refuse_foreign(self) -> None:
        """Raises Refused when the directory holds something that is not an embedded stack."""
        if self.directory.exists() and not self.exists and (found := _foreign(self.directory)):
            raise Refused(f"{self.directory} holds {found}, not an embedded stack: choose another directory")

    def prepare(self) -> None:
        """Create the directories, 0700. Raises OSError without rights."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        for folder in (self.releases, self.secrets, self.redis, self.traffic, self.logs, self.postgres, self.ledger):
            folder.mkdir(mode=0o700, exist_ok=True)
        for name in SECRETS:
            if not (self.secrets / name).exists():
                write_durably(self.secrets / name, secrets.token_urlsafe(24).encode() + b"\n")

    def secret(self, name: str) -> str:
        """One of the generated passwords."""
        return (self.secrets / name).read_text().strip()

    def ports(self) -> Ports:
        """The ports in use. Raises VqError when no stack was set up here."""
        try:
            return Ports.model_validate(json.loads(self.marker.read_bytes())["ports"])
        except FileNotFoundError as error:
            raise Refused(f"no embedded stack in {self.directory}: 'vq-tui sandbox up' makes one") from error
        except (ValidationError, ValueError, KeyError) as error:
            raise VqError(f"{self.marker} is damaged: 'vq-tui sandbox down' removes the stack") from error

    def save_ports(self, ports: Ports) -> None:
        """Write the marker."""
        write_durably(self.marker, json.dumps({"ports": ports.model_dump()}, indent=1).encode())

    def dsn(self, user: str, database: str = DATABASE) -> str:
        """How to reach the database; the password is in `secrets/<user>`."""
        return f"host=127.0.0.1 port={self.ports().postgres} dbname={database} user={user}"


def _foreign(directory: Path) -> str | None:
    """A name in there that an interrupted `up` would not have left."""
    if not directory.is_dir():
        return "a file"
    known = {"specs", "supervisor.lock", "children.json", "supervisor.sock", ".operation.lock", "router.json"}
    known |= {"releases", "secrets", "redis", "traffic", "logs", "postgres", "ledger"}
    return next((repr(path.name) for path in directory.iterdir() if path.name not in known), None)


def free_ports(count: int, avoid: Collection[int] = ()) -> list[int]:
    """Ports that are free on 127.0.0.1 right now, each another one."""
    held: list[socket.socket] = []
    found: list[int] = []
    try:
        while len(found) < count:
            probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(probe)
            probe.bind(("127.0.0.1", 0))
            if (port := probe.getsockname()[1]) not in avoid:
                found.append(port)
        return found
    finally:
        for probe in held:
            probe.close()


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def new_ports(keep: Ports | None = None, conflicting: Collection[str] = ()) -> Ports:
    """Ports for a new stack, or `keep` with the conflicting ones replaced."""
    if keep is None:
        return Ports(**dict(zip(Ports.model_fields, free_ports(len(Ports.model_fields)), strict=True)))
    known = keep.model_dump()
    fresh = dict(zip(conflicting, free_ports(len(conflicting), list(known.values())), strict=True))
    return keep.model_copy(update=fresh)
