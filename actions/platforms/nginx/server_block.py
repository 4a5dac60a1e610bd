"""What people write once around the generated include, and whether `nginx -T` shows that they have. Pure (P3)."""

import re
from collections.abc import Iterator

from actions.model.environment import NginxTraffic
from actions.model.health import Check
from actions.model.words import Gate
from actions.platforms.nginx.include import active_variable, colour_variable, render


def lines(settings: NginxTraffic, include: str) -> tuple[str, ...]:
    """The lines a configuration needs: in the main part, in `http`, and in the `server` that users reach."""
    return (
        "worker_shutdown_timeout 30s;                # main: how long old workers may finish requests",
        f"include {include};    # http, before the server",
        location(settings),
        f"location / {{ proxy_pass http://{settings.upstream}; add_header X-Colour {colour_variable(settings.upstream)}"
        " always; }",
    )


def location(settings: NginxTraffic) -> str:
    """The one line that lets fresh connections tell which generation serves."""
    answer = f"return 200 {active_variable(settings.upstream)};"
    return f"location = {settings.generation_path} {{ default_type application/json; {answer} }}"


def first_include(settings: NginxTraffic, addresses: dict[str, tuple[str, ...]], slot: str) -> str:
    """The include to begin with: all traffic to `slot`. Raises Refused when the slot has no address."""
    shares = {name: 1.0 if name == slot else 0.0 for name in addresses}
    return render(settings.upstream, "first", shares, addresses)


def checks(settings: NginxTraffic, dump: str, includes: tuple[str, ...]) -> Iterator[Check]:
    """From the whole configuration as nginx reads it: everything in place, or the exact lines that are missing.

    `includes` are the names under which the include may stand there; the first is the one to write.
    """
    missing = [line for line, pattern in _needed(settings, includes) if not re.search(pattern, _plain(dump), re.M)]
    yield Check(
        id="server-block",
        title="server block",
        gate=Gate.FAIL if missing else Gate.PASS,
        evidence=f"not in {settings.configuration}: {'; '.join(missing)}" if missing else "uses the generated include",
        advice="add it and reload nginx" if missing else "",
    )
    bounded = re.search(r"^\s*worker_shutdown_timeout\s", _plain(dump), re.M) is not None
    yield Check(
        id="worker-shutdown",
        title="old workers",
        gate=Gate.PASS if bounded else Gate.INCONCLUSIVE,
        evidence="worker_shutdown_timeout is set" if bounded else "may serve the old colour for hours",
        advice="" if bounded else "set worker_shutdown_timeout in the main part of the configuration",
    )


def _needed(settings: NginxTraffic, includes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    names = "|".join(re.escape(one) for one in includes)
    yield f"include {includes[0]};", rf"^# configuration file (?:{names}):"
    path, active = re.escape(settings.generation_path), re.escape(active_variable(settings.upstream))
    yield location(settings), rf"location\s*=\s*{path}\s*\{{[^}}]*{active}\b"
    yield f"proxy_pass http://{settings.upstream};", rf"_pass\s+(?:\w+://)?{re.escape(settings.upstream)}\b"


def _plain(dump: str) -> str:
    """Without comments, but with the lines that name the files."""
    kept = (line for line in dump.splitlines() if line.startswith("# configuration file ") or line.strip()[:1] != "#")
    return "\n".join(kept)
