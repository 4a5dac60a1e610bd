"""What people must write around the generated include, and how a missing line is told."""

from pathlib import Path

import pytest

from actions.model.words import Gate
from actions.platforms.nginx.driver import traffic_reader
from tests.nginx.real import RealNginx, wait_for
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


async def test_a_pid_file_that_names_another_process_is_no_master(nginx: RealNginx, tmp_path: Path) -> None:
    import os

    reader = traffic_reader(nginx.settings, nginx.place)
    assert (await reader.observe()).pins["master"] == nginx.pid
    real = nginx.pid
    (nginx.directory / "nginx.pid").write_text(str(os.getpid()))
    assert (await reader.observe()).pins["master"] is None
    (nginx.directory / "nginx.pid").write_text(str(real))
    wait_for(lambda: nginx.pid == real)
