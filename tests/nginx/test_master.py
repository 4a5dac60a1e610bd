"""The master of the nginx that answers: found wherever the pid line stands, and never called dead while it answers."""

import os
import shlex
import signal
import subprocess

import pytest

from actions.clients.nginx_configuration import from_dump
from actions.clients.nginx_pid import pid_file
from actions.model.errors import Refused, Unreachable
from actions.model.words import Gate
from actions.platforms.nginx.driver import traffic_changer, traffic_reader
from tests.nginx.real import RealNginx, wait_for
from tests.nginx.switching import GREEN, KEY, colour, ignore, planned, switch

pytestmark = pytest.mark.machine("nginx")


def restarted(nginx: RealNginx, line: str) -> None:
    """nginx with this line in place of its pid line."""
    text = nginx.settings.configuration.read_text()
    nginx.kill()
    nginx.settings.configuration.write_text(text.replace(f"pid {nginx.pid_file};", line))
    nginx.start()


@pytest.mark.parametrize("line", [
    'pid "{file}";', "pid '{file}';", "pcre_jit on; pid {file};", "pid nginx.pid;", "include {folder}/main.d/*.conf;",
    "# pid /run/other.pid;\npid\n    {file}\n;",
])  # fmt: skip
async def test_the_pid_file_is_the_one_that_nginx_itself_uses(nginx: RealNginx, line: str) -> None:
    (nginx.directory / "main.d").mkdir()
    (nginx.directory / "main.d" / "pid.conf").write_text(f"pid {nginx.pid_file};")
    restarted(nginx, line.format(file=nginx.pid_file, folder=nginx.directory))
    _, changer, change = await planned(nginx)
    assert change.params["master"] == nginx.pid
    await changer.check(change)


async def test_a_pid_line_of_a_location_is_none(nginx: RealNginx) -> None:
    text = nginx.settings.configuration.read_text()
    inside = "location /pid { default_type text/plain; return 200 'pid /run/other.pid;'; }"
    nginx.settings.configuration.write_text(text.replace("location = /__gen", f"{inside}\nlocation = /__gen"))
    assert (await traffic_reader(nginx.settings, nginx.place).observe()).pins["master"] == nginx.pid


def test_without_a_line_it_is_where_this_nginx_was_compiled_to_put_it() -> None:
    printed = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    path = pid_file(from_dump("# configuration file /x:\n"), None, printed)
    assert f"--pid-path={path}" in shlex.split(printed)


async def test_a_configuration_that_nginx_refuses_still_names_the_master(nginx: RealNginx) -> None:
    """Somebody edits it right now; nginx prints nothing of it, and serves on."""
    (nginx.directory / "extra" / "broken.conf").write_text("server { listen nonsense:; }")
    assert (await traffic_reader(nginx.settings, nginx.place).observe()).pins["master"] == nginx.pid


OTHER = pytest.param(str(os.getpid()), id="another process")  # a name that is the same in every worker


@pytest.mark.parametrize("content", [None, "", "no number", OTHER])
async def test_a_pid_file_that_names_no_nginx_is_said_while_nginx_answers(
    nginx: RealNginx, content: str | None
) -> None:
    right = nginx.pid_file.read_text()
    reader = traffic_reader(nginx.settings, nginx.place)
    nginx.pid_file.unlink()
    if content is not None:
        nginx.pid_file.write_text(content)
    seen = await reader.observe()
    (said,) = [one for one in seen.notes if one.id == "master"]
    assert seen.serving == "blue" and said.gate is Gate.FAIL and str(nginx.pid_file) in said.evidence
    with pytest.raises(Refused, match="nginx answers, but") as refused:
        await reader.plan_switch(seen, GREEN)
    assert str(nginx.pid_file) in refused.value.message
    nginx.pid_file.write_text(right)
    await reader.plan_switch(await reader.observe(), GREEN)


async def test_a_pid_file_lost_after_planning_moves_nothing(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx)
    right = nginx.pid_file.read_text()
    await changer.protect(change, KEY, nginx.folder)
    nginx.pid_file.unlink()
    for refused in (changer.check(change), changer.act(change, KEY, nginx.folder, ignore)):
        with pytest.raises(Refused, match="nginx answers, but"):
            await refused
    nginx.pid_file.write_text(right)
    assert await colour(nginx) == "blue"


async def test_a_pid_file_that_moves_with_a_reload_is_followed(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx)
    await changer.check(change)
    text = nginx.settings.configuration.read_text()
    elsewhere = nginx.directory / "elsewhere.pid"
    nginx.settings.configuration.write_text(text.replace(f"pid {nginx.pid_file};", f"pid {elsewhere};"))
    os.kill(nginx.pid, signal.SIGHUP)
    nginx.pid_file = elsewhere
    wait_for(elsewhere.exists)
    assert await switch(nginx, changer, change) and await colour(nginx) == "green"


async def test_the_pid_file_is_asked_for_once(nginx: RealNginx, monkeypatch: pytest.MonkeyPatch) -> None:
    changer = traffic_changer(nginx.settings, nginx.place)
    runner, asked = changer._client._runner, list[tuple[str, ...]]()
    real = runner.run

    async def counted(*arguments: str, **more: object) -> object:
        asked.append(arguments)
        return await real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "run", counted)
    for _ in range(5):
        assert (await changer._client.master()).pid == nginx.pid
    assert asked == [], "the configuration names the file: nothing is run to learn how nginx was compiled"


async def test_looking_at_an_nginx_that_does_not_run_leaves_no_pid_file(nginx: RealNginx) -> None:
    """nginx -t makes an empty one where there is none."""
    reader = traffic_reader(nginx.settings, nginx.place)
    nginx.kill()
    with pytest.raises(Unreachable, match="does not run"):
        await reader.observe()
    (tested,) = [one for one in await reader.permissions() if one.id == "configuration"]
    assert tested.gate is Gate.INCONCLUSIVE
    assert not nginx.pid_file.exists()
