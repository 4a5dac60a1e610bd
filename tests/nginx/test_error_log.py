"""The error log: what it says counts, and that it cannot be read is said instead of failing a switch that took."""

from pathlib import Path

import pytest

from actions.model.errors import VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.platforms.nginx import error_log
from actions.platforms.nginx.driver import traffic_reader
from tests.nginx.real import RealNginx
from tests.nginx.switching import KEY, colour, ignore, planned, switch


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Debian for who is not in the group adm: it is there, with a size, and that is all (root may read all)."""
    real = Path.open

    def denied(self: Path, *given: object, **more: object) -> object:
        if self.name == "error.log":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *given, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", denied)


@pytest.mark.machine("nginx")
@pytest.mark.usefixtures("unreadable")
async def test_a_log_that_cannot_be_read_is_told_before_and_fails_nothing_after(nginx: RealNginx) -> None:
    reader, changer, change = await planned(nginx)
    (doubt,) = [check for check in await reader.permissions() if check.gate is not Gate.PASS]
    assert doubt.id == "error-log" and doubt.gate is Gate.INCONCLUSIVE and "Permission denied" in doubt.evidence
    assert "the error log cannot be read" in (await changer.protect(change, KEY, nginx.folder)).text
    told = await switch(nginx, changer, change)
    assert "5 of 5 fresh connections; whether nginx says [emerg] is not known" in told and "Permission denied" in told
    assert await colour(nginx) == "green"


@pytest.mark.machine("nginx")
async def test_an_alarm_since_the_switch_fails_it_and_an_older_one_does_not(nginx: RealNginx) -> None:
    log = nginx.directory / "error.log"
    log.write_bytes(log.read_bytes() + b"[emerg] of last week\n")
    _, changer, change = await planned(nginx)
    await changer.protect(change, KEY, nginx.folder)
    await changer.act(change, KEY, nginx.folder, ignore)
    await changer.verify(change, KEY, Deadline(10), ignore)
    log.write_bytes(log.read_bytes() + b"[emerg] no room\n")
    with pytest.raises(VerifyFailed, match="nginx says: .*no room"):
        await changer.verify(change, KEY, Deadline(10), ignore)


def test_a_log_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """As in a container, where it leads to a terminal or a pipe."""
    import os

    os.mkfifo(tmp_path / "error.log")
    assert "no plain file" in error_log.check(tmp_path / "error.log").evidence
    assert error_log.length(tmp_path / "error.log") is None
    assert "no plain file" in error_log.Watch(tmp_path / "error.log", 0).look().unread


def test_a_rotated_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    assert error_log.length(log) == 0 and error_log.check(log).gate is Gate.INCONCLUSIVE
    log.write_text("x" * 1_000)
    before = error_log.length(log)
    log.write_text("[emerg] anew\n")
    assert error_log.Watch(log, before).look().line == "[emerg] anew"
    assert "before the switch" in error_log.Watch(log, None).look().unread


def test_an_alarm_far_behind_other_lines_is_found_and_each_part_read_once(tmp_path: Path) -> None:
    """During an incident the log is long: every request that fails writes a line."""
    log = tmp_path / "error.log"
    log.write_text("2026/11/28 17:37:49 [error] 9#9: *1 upstream timed out\n" * 20_000)
    watch = error_log.Watch(log, 0, 7)
    assert watch.look() == error_log.Alarm()
    with log.open("a") as stream:
        stream.write("2026/11/28 17:37:49 [emerg] 7#7: the rest of")
        stream.flush()
        assert watch.look().line == "", "a line that is still being written"
        stream.write(" it\n2026/11/28 17:37:50 [emerg] 7#7: another\n")
    assert watch.look().line.endswith("the rest of it") and watch.look() == watch.look()


def test_lines_of_another_process_count_for_nothing(tmp_path: Path) -> None:
    """Whoever tests a configuration of theirs meanwhile writes there too."""
    log = tmp_path / "error.log"
    log.write_text("2026/11/28 17:37:49 [emerg] 8#8: unknown directive\n")
    assert error_log.Watch(log, 0, 7).look() == error_log.Alarm()
    assert error_log.Watch(log, 0, 8).look().line and error_log.Watch(log, 0).look().line


def test_a_bind_that_is_tried_again_is_no_refusal_yet(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    tried = "2026/11/28 17:37:49 [emerg] 7#7: bind() to 127.0.0.1:80 failed (98: Address already in use)\n"
    log.write_text(tried * 5)
    watch = error_log.Watch(log, 0, 7)
    assert watch.look().line == "" and "Address already in use" in watch.look().passing
    log.write_text(tried * 5 + "2026/11/28 17:37:51 [emerg] 7#7: still could not bind()\n")
    assert watch.look().line.endswith("still could not bind()")


@pytest.mark.machine("nginx")
async def test_no_log_configured_is_no_doubt(nginx: RealNginx) -> None:
    settings = nginx.settings.model_copy(update={"error_log": None})
    checks = await traffic_reader(settings, nginx.place).permissions()
    assert "error-log" not in [check.id for check in checks]
