"""What the program was given before a command's name, and how it gets at a desk: a read-only session has no Operator.

Light to import: the console starts from here without the parser of commands.
"""

import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actions.model.errors import ReadOnlyError, VqError
from vq_tui.commands.output import Output

if TYPE_CHECKING:
    from actions.desk.operator import Operator
    from actions.desk.viewer import Viewer
    from actions.model.environment import Settings
    from actions.runner.prepared import PreparedExecutor


GLOBAL: dict[str, tuple[str, str]] = {
    "config": ("FILE", "The configuration to use."),
    "env": ("NAME", "The environment to look at."),
    "read-only": ("", "Only look: no writing client is built."),
    "ascii": ("", "Plain characters instead of symbols."),
    "theme": ("NAME", "Colours of the console."),
}
"""The options before a command's name, each with what it takes (nothing: a flag) and its help: for both readers."""


@dataclass
class Session:
    """The global options, and the doors they open."""

    output: Output
    config: Path | None = None
    env: str | None = None
    read_only: bool = False
    theme: str | None = None
    _loaded: "tuple[Settings, Path, str] | None" = None
    _prepared: "PreparedExecutor | None" = None

    @classmethod
    def of(cls, output: Output, given: "Mapping[str, str | bool | None]") -> "Session":
        """From the global options by their names."""
        config, env, theme = (str(one) if (one := given.get(name)) else None for name in ("config", "env", "theme"))
        output.ascii = output.ascii or bool(given.get("ascii"))
        where = [f"--{name} {shlex.quote(one)}" for name, one in (("config", config), ("env", env)) if one is not None]
        output.program = " ".join(["vq-tui", *where])
        path = Path(config) if config is not None else None
        return cls(output, path, env, read_only=bool(given.get("read-only")), theme=theme)

    def load(self) -> "tuple[Settings, Path, str]":
        """Settings, the file they came from, and the environment to use; read once for a session.

        Raises ConfigError or UnknownNameError.
        """
        from actions.config import choose_environment

        if self._loaded is None:
            settings, path = self.file()
            self._loaded = settings, path, choose_environment(settings, self.env)[0]
        return self._loaded

    def file(self) -> "tuple[Settings, Path]":
        """Settings and the file they came from, for commands that are about all environments. Raises ConfigError."""
        from actions.config import find_config, load

        path = find_config(self.config).absolute()
        return load(path), path

    def desk(self) -> "Viewer":
        """The desk this session may have, not started: an Operator, or a Viewer in a read-only session."""
        from actions.desk import open_operator, open_viewer

        settings, path, environment = self.load()
        if self.read_only or settings.environments[environment].read_only:
            return open_viewer(settings, path, environment)
        return open_operator(settings, path, environment)

    @asynccontextmanager
    async def viewing(
        self, run: str | None = None, *, emergency: bool = False, polling: bool = False
    ) -> "AsyncIterator[Viewer]":
        """A started Viewer: reading halves only, whatever the session may do.

        On the ledger; for a `run` that only the emergency ledger knows, and with `emergency`, on that one. `polling`
        is for commands that show health.
        """
        from actions.desk import open_viewer

        viewer = open_viewer(*self._about(run, emergency))
        try:
            await viewer.start(polling=polling)
            yield viewer
        finally:
            await self._closed(viewer)

    @asynccontextmanager
    async def operating(self, what: str, run: str | None = None) -> "AsyncIterator[Operator]":
        """A started Operator, on the ledger that knows `run`. Raises ReadOnlyError before any writing object exists."""
        self.may_write(what)
        from actions.desk import open_operator

        async with self._at_work(open_operator(*self._about(run))) as operator:
            yield operator

    def prepare(self, what: str) -> None:
        """Make the executor of the run that a command will begin; before its loop starts. Raises ReadOnlyError."""
        self.may_write(what)
        settings, _, environment = self.load()
        from actions.config import ledger_directory
        from actions.runner.forked import fork_prepared

        self._prepared = fork_prepared(ledger_directory(settings), settings.environments[environment])

    @asynccontextmanager
    async def deciding(self, what: str) -> "AsyncIterator[Operator]":
        """As `operating`, for a command that will begin a run: the executor that was prepared gets it."""
        self.may_write(what)
        from actions.desk import open_operator

        operator = open_operator(*self.load())
        operator.prepared = self._prepared
        async with self._at_work(operator, polling=True):
            yield operator

    @asynccontextmanager
    async def breaking_glass(self) -> "AsyncIterator[Operator]":
        """A started Operator on the emergency ledger. Raises Refused while the ledger works, and Busy."""
        self.may_write("rollback")
        from actions.desk.break_glass import break_glass

        async with self._at_work(await break_glass(*self.load())) as operator:
            yield operator

    @asynccontextmanager
    async def _at_work(self, operator: "Operator", *, polling: bool = False) -> "AsyncIterator[Operator]":
        try:
            await operator.start(polling=polling)
            operator.require_writer()
            yield operator
        finally:
            await self._closed(operator)

    def _about(self, run: str | None, emergency: bool = False) -> "tuple[Settings, Path, str]":
        settings, path, environment = self.load()
        if run is None and not emergency:
            return settings, path, environment
        from actions.desk import break_glass

        chosen = break_glass.instead(settings, path) if run is None else break_glass.knowing(settings, path, run)
        return chosen, path, environment

    async def _closed(self, desk: "Viewer") -> None:
        """Give a desk back. What goes wrong in that is said beside: it must not stand for how the command ended."""
        try:
            await desk.close()
        except VqError as error:
            self.output.aside(f"the desk was not closed cleanly: {error.message}")

    def may_write(self, what: str) -> None:
        """Raises ReadOnlyError in a read-only session or environment."""
        self.may_not_be_read_only(what)
        settings, _, environment = self.load()
        if settings.environments[environment].read_only:
            raise ReadOnlyError(f"'{what}' changes things, and '{environment}' is configured read_only = true")

    def may_not_be_read_only(self, what: str) -> None:
        """Raises ReadOnlyError in a read-only session; for commands that need no configuration."""
        if self.read_only:
            raise ReadOnlyError(
                f"'{what}' changes things, and this session is read-only: leave --read-only out to do it"
            )
