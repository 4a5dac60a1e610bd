"""The command line as a whole: global options, the groups of commands, and one place where every error ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from actions.model.errors import UsageError
from vq_tui.commands.given import GLOBAL, Session
from vq_tui.commands.guard import guarded
from vq_tui.commands.on_demand import CommandsOnDemand
from vq_tui.commands.opening import open_console
from vq_tui.commands.output import Output

ParserError: type[Exception] = typer.BadParameter.__mro__[2]
"""What is raised for words that are off: of the copy of click inside newer typers, of the installed one for older."""

program = typer.Typer(
    name="vq-tui",
    cls=CommandsOnDemand,
    help="A console for on-call engineers: live health, rollback readiness, emergency rollback.",
    epilog="Without a command the full-screen console opens. Exit codes and JSON: docs/commands.md.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _option(name: str) -> Any:
    metavar, words = GLOBAL[name]
    return typer.Option(f"--{name}", metavar=metavar or None, help=words)


@program.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    config: Annotated[Path | None, _option("config")] = None,
    env: Annotated[str | None, _option("env")] = None,
    read_only: Annotated[bool, _option("read-only")] = False,
    ascii: Annotated[bool, _option("ascii")] = False,
    theme: Annotated[str | None, _option("theme")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Say the version and end.")] = False,
) -> int:
    """A console for on-call engineers: live health, rollback readiness, emergency rollback."""
    assert isinstance(context.obj, Output)
    if version:
        from importlib.metadata import version as installed

        context.obj.answer({"version": installed("vq-tui")}, [f"vq-tui {installed('vq-tui')}"])
        raise typer.Exit(0)
    given: dict[str, str | bool | None] = {"env": env, "theme": theme, "read-only": read_only, "ascii": ascii}
    given["config"] = str(config) if config is not None else None
    context.obj = Session.of(context.obj, given)
    if context.invoked_subcommand is None:
        return open_console(context.obj)
    if theme is not None:
        from screens.theme import load

        load(theme)  # of no use to a command, but a wrong name is told here as the console tells it
    return 0


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code. Never raises; an error is one clear line."""
    output = Output.for_terminal(arguments)

    def work() -> int:
        command = typer.main.get_command(program)
        try:
            code = command.main(args=list(arguments), prog_name="vq-tui", standalone_mode=False, obj=output)
        except ParserError as error:
            raise UsageError(_usage(error)) from None
        except typer.Abort:
            raise KeyboardInterrupt from None
        return code if isinstance(code, int) else 0

    return guarded(output, arguments, work)


def _usage(error: Any) -> str:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "vq-tui"
    return f"{message}; '{path} --help' lists what can be said"
