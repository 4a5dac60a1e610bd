"""What people write once around the generated include, and whether `nginx -T` shows that they have. Pure."""

from actions.clients.nginx_configuration import NotUnderstood
from actions.model.health import Check
from actions.model.words import Gate
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.generation import Answer
from actions.platforms.nginx.include import active_variable, colour_variable, render
from actions.platforms.nginx.wiring import Use, Wiring


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


def checks(
    settings: NginxTraffic, wired: Wiring | NotUnderstood, include: Use, includes: tuple[str, ...], live: Answer | None
) -> tuple[Check, Check]:
    """What nginx answers is the proof that it tells its generation; the rest is read from the configuration.

    `includes` are the names under which the include may stand there; the first is the one to write. What is surely not
    there fails, with the exact lines; what cannot be followed is in doubt and refuses nothing.
    """
    return _server_block(settings, wired, include, includes, live), _worker_shutdown(wired)


def _server_block(
    settings: NginxTraffic, wired: Wiring | NotUnderstood, include: Use, includes: tuple[str, ...], live: Answer | None
) -> Check:
    if isinstance(wired, NotUnderstood):
        answers = "answers its generation" if live else "does not answer its generation"
        return _block(Gate.INCONCLUSIVE, f"nginx {answers}; its configuration cannot be followed: {wired.message}")
    needed = (
        (f"include {includes[0]};", include),
        (location(settings), wired.generation),
        (f"proxy_pass http://{settings.upstream};", wired.upstream),
    )
    if missing := [line for line, use in needed if use is Use.MISSING]:
        return _block(Gate.FAIL, f"not in {settings.configuration}: {'; '.join(missing)}", "add it and reload nginx")
    if live is None:
        doubt = f"{settings.url}{settings.generation_path} does not answer the generation, as the configuration may say"
        return _block(Gate.INCONCLUSIVE, doubt, "reload nginx, or correct 'url' to a listener of that server")
    if include is Use.UNCLEAR:
        return _block(Gate.INCONCLUSIVE, f"whether {includes[0]} is what nginx includes cannot be seen from here")
    if wired.upstream is Use.UNCLEAR:
        doubt = f"whether users' requests reach {settings.upstream} cannot be followed in the configuration"
        return _block(Gate.INCONCLUSIVE, doubt, "look at its proxy_pass; a switch is proved by what users are answered")
    return _block(Gate.PASS, "uses the generated include")


def _block(gate: Gate, evidence: str, advice: str = "") -> Check:
    return Check(id="server-block", title="server block", gate=gate, evidence=evidence, advice=advice)


def _worker_shutdown(wired: Wiring | NotUnderstood) -> Check:
    known = isinstance(wired, Wiring)
    bounded = isinstance(wired, Wiring) and wired.bounded
    doubt = "may serve the old colour for hours" if known else "how long they may stay is not known"
    return Check(
        id="worker-shutdown",
        title="old workers",
        gate=Gate.PASS if bounded else Gate.INCONCLUSIVE,
        evidence="worker_shutdown_timeout is set" if bounded else doubt,
        advice="" if bounded or not known else "set worker_shutdown_timeout in the main part of the configuration",
    )
