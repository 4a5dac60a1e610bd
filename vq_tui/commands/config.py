"""`config`: check the file, print its schema, write one to start from."""

import json as json_module
import os
from pathlib import Path
from typing import Annotated

import typer

from actions.model.errors import ConfigError, ExitCode, UnknownNameError, UsageError
from screens.glyphs import DOWN, OK
from vq_tui.commands.console_checks import console_problems
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, Service, session

group = typer.Typer(help="The configuration file.", rich_markup_mode=None, no_args_is_help=True)


@group.callback()
def config() -> None:
    """The configuration file."""


@group.command()
def check(context: typer.Context, json: Json = False) -> int:
    """Read the file, every secret it names, the keys and the theme; ends with 3 when something is wrong."""
    here = session(context, json)
    from actions.config import find_config, ledger_directory, load, secret_problems

    path = find_config(here.config)
    try:
        settings = load(path)
    except ConfigError as error:
        if not here.output.json:
            for one in error.problems[1:]:
                here.output.line(f"{DOWN} {one}")
            raise ConfigError(error.problems[0]) from None
        here.output.answer({"file": str(path.absolute()), "ok": False, "problems": list(error.problems)}, [])
        return ExitCode.CONFIG
    problems = [f"{'.'.join(str(key) for key in place)}: {what}" for place, what in secret_problems(settings)]
    problems += console_problems(settings)
    environments = [
        {"name": name, "services": list(one.services), "band": one.band, "drill": one.drill, "read_only": one.read_only}
        for name, one in settings.environments.items()
    ]
    payload = {
        "file": str(path.absolute()),
        "ok": not problems,
        "ledger": str(ledger_directory(settings)),
        "default_environment": settings.default_environment,
        "environments": environments,
        "problems": problems,
    }
    rows = [[f"{OK} {name}", ", ".join(one.services) or "no services"] for name, one in settings.environments.items()]
    lines = [
        f"{glyph('fail' if problems else 'ok')} {path}",
        *table(rows, indent="  "),
        *(f"{DOWN} {one}" for one in problems),
    ]
    here.output.answer(payload, lines)
    return ExitCode.CONFIG if problems else ExitCode.OK


@group.command()
def schema(context: typer.Context, json: Json = False) -> int:
    """Print the JSON schema of the file, for editors."""
    here = session(context, json)
    from actions.config import schema as schema_of_settings

    found = schema_of_settings()
    here.output.answer(found, [json_module.dumps(found, indent=2)])
    return ExitCode.OK


@group.command()
def keys(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="Only what all occur in.")] = None,
    json: Json = False,
) -> int:
    """Print every key of the file: what it holds, what stands without it, what it is for."""
    here = session(context, json)
    from actions.config.keys import matching

    found = matching(words or [])
    if not found:
        raise UnknownNameError(f"no table or key of the configuration with: {' '.join(words or [])}")
    lines: list[str] = []
    for one in found:
        title = " ".join(filter(None, (f"[{one.path}]" if one.path else "at the top of the file", one.shape)))
        rows = [[key.name, key.holds, "must be given" if key.default is None else key.default] for key in one.keys]
        lines += ["", title, f"  {one.text}"]
        lines += [
            line
            for row, key in zip(table(rows, indent="  "), one.keys, strict=True)
            for line in (row, f"    {key.text}")
        ]
    here.output.answer({"tables": [one.model_dump() for one in found]}, lines[1:])
    return ExitCode.OK


@group.command()
def include(
    context: typer.Context,
    slot: Annotated[str, typer.Argument(metavar="SLOT", help="The slot that serves now.")],
    service: Service = None,
    json: Json = False,
) -> int:
    """Print the generated file that nginx begins with, and (on stderr) the lines around it; writes nothing."""
    here = session(context, json)
    from actions.model.services import HttpService
    from actions.model.workloads import NginxTraffic

    settings, _, environment = here.load()
    found = {
        name: (one.traffic, one.slots)
        for name, one in settings.environments[environment].services.items()
        if isinstance(one, HttpService) and isinstance(one.traffic, NginxTraffic) and service in (None, name)
    }
    if len(found) != 1:
        raise UsageError(f"name one service with nginx as its traffic driver; there are: {', '.join(found) or 'none'}")
    from actions.platforms.nginx.driver import beginning

    traffic, slots = next(iter(found.values()))
    text, lines = beginning(traffic, slots, slot)
    here.output.answer({"file": str(traffic.include), "text": text, "lines": list(lines)}, text.rstrip().split("\n"))
    if not here.output.json:
        here.output.aside("\n".join((f"write it to {traffic.include}, then use it:", *(f"  {one}" for one in lines))))
    return ExitCode.OK


@group.command()
def init(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path("vq-tui.toml"),
    json: Json = False,
) -> int:
    """Write a commented file to start from; an existing one is never overwritten."""
    here = session(context, json)
    here.may_not_be_read_only("config init")
    from actions.config import template

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file} exists already: name another file, or move it away") from None
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(template())
    here.output.answer(
        {"file": str(file.absolute())}, [f"{OK} {file} written; next: vq-tui --config {file} config check"]
    )
    return ExitCode.OK
