"""What the supervisor of local processes speaks of: specs and facts of processes. Models only, no I/O."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from actions.model.base import Fact
from actions.model.text import clean

ProcessName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Text = Annotated[str, BeforeValidator(clean)]


class RestartPolicy(StrEnum):
    """What the supervisor does when a process ends by itself."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class ProcessState(StrEnum):
    """Life of one supervised process. CRASH_LOOPING: ended three times within a minute, started again with back-off."""

    RUNNING = "running"
    EXITED = "exited"
    CRASH_LOOPING = "crash-looping"
    STOPPED = "stopped"


class ProcessSpec(Fact):
    """How to run one process.

    `{release}` and `{release_dir}` in `argv` and `env` stand for `release` and `releases/release`; with `releases` set
    the process is only started when that directory exists, so another release is put in place by changing `release`
    and `artefact` alone. `user` is taken on when the supervisor runs as root. Specs hold no secrets: `argv` and `env`
    are shown to whoever may read the state directory.
    """

    name: ProcessName
    argv: tuple[str, ...] = Field(min_length=1)
    env: dict[str, str] = {}
    cwd: Path | None = None
    user: str | None = None
    restart: RestartPolicy = RestartPolicy.ALWAYS
    backoff_seconds: Annotated[float, Field(gt=0, le=60)] = 0.25
    backoff_limit_seconds: Annotated[float, Field(gt=0, le=600)] = 5.0
    stop_signal: str = "SIGTERM"
    stop_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0
    death_signal: str = "SIGKILL"
    release: str = ""
    artefact: str = ""
    releases: Path | None = None
    ports: dict[str, int] = {}
    labels: dict[str, str] = {}

    @property
    def release_directory(self) -> Path | None:
        """Where the release lies on this host; None for a process without releases."""
        return self.releases / self.release if self.releases and self.release else None


class ProcessRecord(Fact):
    """A spec as kept on disk. `generation` grows by one with each change; `keys` are the last keys applied."""

    spec: ProcessSpec
    generation: int = 1
    wanted: bool = True
    keys: tuple[str, ...] = ()


class ProcessFacts(Fact):
    """One process as observed now. Times are seconds since the epoch, `cpu_seconds` is used since its start.

    Memory and processor time were measured `usage_age` seconds ago: on a busy host measuring takes longer than asking.

    `restarts` counts the restarts by policy since the process was last started by request. `reason` says in words why
    it is not running.
    """

    name: str
    state: ProcessState
    wanted: bool
    generation: int
    keys: tuple[str, ...] = ()
    pid: int | None = None
    started_at: float | None = None
    restarts: int = 0
    exit_code: int | None = None
    release: Text = ""
    artefact: Text = ""
    artefact_at_hand: bool | None = None
    labels: dict[str, str] = {}
    ports: dict[str, int] = {}
    log: Path
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    usage_age: float | None = None
    reason: Text = ""


class SupervisorFacts(Fact):
    """The supervisor itself and all its processes."""

    pid: int
    started_at: float
    directory: Path
    processes: tuple[ProcessFacts, ...]

    def process(self, name: str) -> ProcessFacts | None:
        """The process of that name, if it is supervised here."""
        return next((one for one in self.processes if one.name == name), None)
