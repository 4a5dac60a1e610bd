"""What people must write around the generated include, and how a missing line is told."""

import asyncio
import subprocess

import pytest

from actions.model.health import Check
from actions.model.words import Gate
from actions.platforms.nginx.driver import traffic_reader
from tests.nginx.real import RealNginx
from tests.nginx.switching import colour

pytestmark = pytest.mark.machine("nginx")


def rewritten(nginx: RealNginx, old: str, new: str) -> None:
    """Somebody edits the configuration and restarts nginx."""
    text = nginx.settings.configuration.read_text()
    assert old in text
    nginx.settings.configuration.write_text(text.replace(old, new))
    nginx.kill()
    nginx.start()


async def test_a_complete_configuration_passes(nginx: RealNginx) -> None:
    checks = await traffic_reader(nginx.settings, nginx.place).permissions()
    assert {check.id: check.gate for check in checks} == dict.fromkeys(
        ("directory", "directory-lock", "error-log", "configuration", "server-block", "worker-shutdown"), Gate.PASS
    )


@pytest.mark.parametrize(("old", "new", "missing"), [
    ("return 200 $vq_active;", "return 204;",
     "location = /__gen { default_type application/json; return 200 $vq_active; }"),
    ("location = /__gen", "# location = /__gen", "location = /__gen"),
    ("proxy_pass http://vq_active", "proxy_pass http://127.0.0.1:1", "proxy_pass http://vq_active;"),
])  # fmt: skip
async def test_the_missing_line_is_named(nginx: RealNginx, old: str, new: str, missing: str) -> None:
    tail = " default_type application/json; return 200 $vq_active; }"
    if new.startswith("#"):
        old, new = old + " {" + tail, f"# {old} {{{tail}"
    rewritten(nginx, old, new)
    reader = traffic_reader(nginx.settings, nginx.place)
    failed = [check for check in await reader.permissions() if check.gate is not Gate.PASS]
    assert [check.id for check in failed] == ["server-block"] and missing in failed[0].evidence
    if "proxy_pass" not in missing:
        seen = await reader.observe()
        assert seen.shares == {} and "return 200 $vq_active;" in seen.drift


async def test_an_include_that_nginx_does_not_read_is_named(nginx: RealNginx) -> None:
    other = nginx.directory / "extra" / "other.conf"
    other.write_text(nginx.settings.include.read_text())
    rewritten(nginx, f"include {nginx.settings.include};", "")
    failed = [one for one in await traffic_reader(nginx.settings, nginx.place).permissions() if one.gate is Gate.FAIL]
    assert [f"include {nginx.settings.include};" in one.evidence for one in failed] == [True]
    assert await colour(nginx) == "blue"


async def test_unbounded_old_workers_are_not_sure(nginx: RealNginx) -> None:
    rewritten(nginx, "worker_shutdown_timeout 20s;", "")
    checks = await traffic_reader(nginx.settings, nginx.place).permissions()
    assert [one.gate for one in checks if one.id == "worker-shutdown"] == [Gate.INCONCLUSIVE]


async def server_block(nginx: RealNginx) -> Check:
    checks = await traffic_reader(nginx.settings, nginx.place).permissions()
    (found,) = [one for one in checks if one.id == "server-block"]
    return found


async def test_an_include_by_another_name_of_the_same_file_is_the_include(nginx: RealNginx) -> None:
    (nginx.directory / "link").symlink_to(nginx.settings.directory)
    name = nginx.directory / "link" / nginx.settings.include.name
    rewritten(nginx, f"include {nginx.settings.include};", f'include "{name}";')
    assert (await server_block(nginx)).gate is Gate.PASS


async def test_a_line_taken_out_after_the_last_reload_is_named_although_nginx_still_answers(nginx: RealNginx) -> None:
    """The next reload would take it away."""
    text = nginx.settings.configuration.read_text()
    nginx.settings.configuration.write_text(text.replace("return 200 $vq_active;", "return 204;"))
    found = await server_block(nginx)
    assert found.gate is Gate.FAIL and "location = /__gen" in found.evidence


async def test_a_line_that_no_reload_has_made_live_yet_is_in_doubt(nginx: RealNginx) -> None:
    rewritten(nginx, "return 200 $vq_active;", "return 204;")
    text = nginx.settings.configuration.read_text()
    nginx.settings.configuration.write_text(text.replace("return 204;", "return 200 $vq_active;"))
    assert (await server_block(nginx)).gate is Gate.INCONCLUSIVE
    words = ["nginx", "-p", nginx.directory, "-c", nginx.settings.configuration, "-s", "reload"]
    subprocess.run(words, check=True)
    async with asyncio.timeout(60):
        while (await server_block(nginx)).gate is not Gate.PASS:
            await asyncio.sleep(0.02)


async def test_a_configuration_that_cannot_be_followed_refuses_nothing(nginx: RealNginx) -> None:
    """nginx takes a closing brace inside a word for a part of it."""
    rewritten(nginx, "return 200 $vq_active;", "return 200 $vq_active; add_header X-Odd a};")
    found = await server_block(nginx)
    assert found.gate is Gate.INCONCLUSIVE and "answers its generation" in found.evidence
