"""What is configured: environments with their services, policies and notices, and how the console looks.

These models are the schema of `vq-tui.toml`; `actions.config` reads the file into them. The text under each key is
its description in `vq-tui config keys` and `docs/configuration.md`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from actions.model.base import Fact
from actions.model.services import Service
from actions.model.workloads import HttpUrl, Name, Seconds, SecretSource


class Budgets(Fact):
    """How long a procedure may take before it counts as late."""

    emergency: Seconds = 60
    """An emergency rollback to the last known good release."""
    rollback: Seconds = 300
    """A rollback to a chosen release, and a drill."""
    automatic: Seconds = 120
    """A rollback that another procedure began."""
    restore: Seconds = 600
    """A restore of data."""


class Policy(Fact):
    """How careful an environment is."""

    keep_releases: Annotated[int, Field(ge=1, le=50)] = 3
    """Good releases that should be at hand to go back to."""
    soak_seconds: Seconds = 600
    """How long a release must be seen healthy before it counts as good."""
    soak_samples: Annotated[int, Field(ge=2)] = 10
    """How many healthy samples that takes at least."""
    proofs: Annotated[int, Field(ge=1, le=100)] = 3
    """Good answers in a row that prove a release from outside."""
    validation_seconds: Seconds = 2
    """How long each check of the validation may take."""
    prove_seconds: Seconds = 30
    """How long a release may take until it is proved."""
    drain_seconds: Seconds = 10
    """How long the old slot may take to finish its requests."""


class Webhook(Fact):
    """A channel for notices: Slack, Teams or any HTTP endpoint. Give one of the two addresses."""

    url: HttpUrl | None = None
    """The address."""
    secret_url: SecretSource | None = None
    """Where the address comes from, where it is itself a secret."""
    timeout: Seconds = 5
    """How long a delivery may take."""


class Notices(Fact):
    """Where notices of an environment go."""

    webhooks: dict[Name, Webhook] = {}
    """Channels by name."""


class Environment(Fact):
    """One environment: what it is called on screen, what runs in it, and how careful to be."""

    product: str = "virtual-queue"
    """The name of the product on screen."""
    band: Literal["red", "amber", "green", "blue", "violet", "grey"] = "red"
    """The colour of the band that tells environments apart."""
    drill: bool = False
    """Whether this is an environment for drills: faults may be injected here and nowhere else."""
    read_only: bool = False
    """Whether nothing may be changed from here."""
    interval: Seconds = 2
    """Seconds between two looks."""
    services: dict[Name, Service] = {}
    """Services by name."""
    budgets: Budgets = Budgets()
    """How long procedures may take."""
    policy: Policy = Policy()
    """How careful to be."""
    notices: Notices = Notices()
    """Where notices go."""
    sandbox: Path | None = None
    """The directory of the embedded stack, in the file that the embedded stack writes."""


class ConsoleSettings(Fact):
    """How the console looks and which keys it uses."""

    theme: str = "calm"
    """The colours: calm, light, high-contrast, ansi or mono."""
    ascii: bool = False
    """Whether only plain characters are used."""
    keys: dict[str, str] = {}
    """Keys by the id of their action."""
    mouse: bool = False
    """Whether the mouse is used; without it the terminal selects text as usual."""


class Settings(Fact):
    """The whole file."""

    ledger: Path | None = None
    """The directory of the ledger; operators of one host share it. Without one: the user's state directory."""
    break_glass: Path | None = None
    """The directory that records a rollback while the ledger refuses; best on another disk."""
    default_environment: str | None = None
    """The environment to open where none is named."""
    console: ConsoleSettings = ConsoleSettings()
    """How the console looks."""
    environments: dict[Name, Environment] = {}
    """Environments by name."""


class ResolvedSecret(Fact):
    """A secret in memory: its text never prints."""

    value: SecretStr
