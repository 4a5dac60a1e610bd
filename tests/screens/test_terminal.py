"""The program in a pseudo-terminal: signals, a lost terminal, refusals, bytes at rest (textual-facts 3.5, 3.6)."""

import fcntl
import os
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from tests.fork_server import Call
from tests.forking import CONSOLE
from tests.forking import start as begin

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "tests.fakes.program"
PATIENCE = 30.0


class Terminal:
    """A child on a pseudo-terminal, and the screen it draws."""

    def __init__(
        self, *arguments: str, size: tuple[int, int] = (80, 24), ignore_hangup: bool = False, **environment: str
    ) -> None:
        columns, lines = size
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.fd, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        base = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
        call = Call(PROGRAM, [*arguments], base | environment, str(ROOT), terminal=True, ignore_hangup=ignore_hangup)
        self.process = begin(call, preload=CONSOLE, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.raw = b""

    def read(self, seconds: float) -> bytes:
        """What comes within `seconds`."""
        end, got = time.monotonic() + seconds, b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], min(left, 0.05))[0]:
                try:
                    data = os.read(self.fd, 65_536)
                except OSError:
                    break
                if not data:
                    break
                got += data
        self.raw += got
        self.stream.feed(got.replace(b"\x1b[?2026$p", b""))
        return got

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def shows(self, words: str) -> None:
        """Wait for words on the screen."""
        end = time.monotonic() + PATIENCE
        while words not in self.text and words.encode() not in self.raw:
            assert time.monotonic() < end, self.text
            self.read(0.1)

    def ended(self) -> int:
        """Wait for the end; the exit code, or minus the signal."""
        end = time.monotonic() + PATIENCE
        while (code := self.process.poll()) is None:
            assert time.monotonic() < end, "still there"
            if self.fd >= 0:
                self.read(0.05)
            else:
                select.select([], [], [], 0.05)
        if self.fd >= 0:
            self.read(0.1)
        return code

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()
        one.process.kill()
        one.process.wait()


def start(terminals: list[Terminal], *arguments: str, **options: object) -> Terminal:
    terminals.append(Terminal(*arguments, **options))  # type: ignore[arg-type]
    return terminals[-1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly_and_give_the_terminal_back(terminals: list[Terminal], number: int, code: int) -> None:
    one = start(terminals)
    one.shows("ROLLBACK READINESS")
    one.shows("READY")
    one.process.send_signal(number)
    assert one.ended() == code
    assert b"\x1b[?1049l" in one.raw and b"Traceback" not in one.raw


def test_q_ends_with_zero(terminals: list[Terminal]) -> None:
    one = start(terminals)
    one.shows("READY")
    os.write(one.fd, b"q")
    assert one.ended() == 0
    assert b"runs follow" not in one.raw


def test_leaving_while_a_run_goes_on_says_how_to_follow_it(terminals: list[Terminal]) -> None:
    one = start(terminals, "running")
    one.shows("RUNNING ►")
    os.write(one.fd, b"\x11")
    assert one.ended() == 0
    last = one.raw.decode().rsplit("\x1b[?1049l", 1)[-1]
    assert "rollback of api, run GH67QK, goes on without this console: vq-tui runs follow GH67QK" in last


def test_a_terminal_that_goes_away_ends_it(terminals: list[Terminal]) -> None:
    one = start(terminals, "live")
    one.shows("READY")
    one.close()
    assert one.ended() in (129, -signal.SIGHUP)


def test_a_link_that_stalls_and_then_dies_ends_it(terminals: list[Terminal]) -> None:
    one = start(terminals, "live")
    one.shows("READY")
    for _ in range(40):
        os.write(one.fd, b"?\x1b")  # repaints that nobody reads
        select.select([], [], [], 0.05)
    one.close()
    assert one.ended() in (129, -signal.SIGHUP)


def test_a_stalled_terminal_does_not_keep_it_from_a_signal(terminals: list[Terminal]) -> None:
    one = start(terminals, "live")
    one.shows("READY")
    for _ in range(60):
        os.write(one.fd, b"H\x1b[Z?")
        select.select([], [], [], 0.05)
    one.process.terminate()
    fd, one.fd = one.fd, -1
    try:
        assert one.ended() == 143
    finally:
        os.close(fd)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_carry_it_is_one_line(terminals: list[Terminal], term: str) -> None:
    one = start(terminals, TERM=term)
    assert one.ended() == 11
    assert b"cannot carry the console" in one.raw and b"\x1b[?1049h" not in one.raw


def test_without_a_terminal_it_is_one_line() -> None:
    call = Call(PROGRAM, [], {"LANG": "C.UTF-8", "TERM": "xterm"}, str(ROOT))
    with begin(call, preload=CONSOLE) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 11 and "is no terminal" in err and out == ""


def test_it_refuses_to_run_where_a_hang_up_would_go_unnoticed(terminals: list[Terminal]) -> None:
    one = start(terminals, ignore_hangup=True)
    assert one.ended() == 11
    assert b"hang-ups are ignored" in one.raw


def test_a_window_of_20x5_says_so_and_recovers(terminals: list[Terminal]) -> None:
    one = start(terminals, size=(20, 5))
    one.shows("window too small:")
    assert "need 80x24, have" in one.text and "20x5" in one.text
    fcntl.ioctl(one.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    one.screen.resize(24, 80)
    one.shows("READY")
    os.write(one.fd, b"q")
    assert one.ended() == 0


@pytest.mark.parametrize("environment", [{"LANG": "C"}, {"LC_ALL": "en_US.ISO-8859-1"}, {"TERM": "linux"}])
def test_a_terminal_without_utf8_gets_ascii(terminals: list[Terminal], environment: dict[str, str]) -> None:
    one = start(terminals, **environment)
    one.shows("2.3.9 ->2.3.8")
    assert one.raw.isascii()


def styles(raw: bytes) -> set[str]:
    """Every parameter string of a colour or style sequence."""
    return {found.decode() for found in re.findall(rb"\x1b\[([0-9;]*)m", raw)}


def test_no_colour_means_no_colour_code_at_all(terminals: list[Terminal]) -> None:
    one = start(terminals, NO_COLOR="1")
    one.shows("READY")
    plain = {"", "0", "1", "2", "4", "7", "39", "49"}
    assert {part for style in styles(one.raw) for part in style.split(";")} <= plain


def test_sixteen_colours_are_the_terminals_own(terminals: list[Terminal]) -> None:
    one = start(terminals, TERM="xterm")
    one.shows("READY")
    assert not any("38;" in style or "48;" in style for style in styles(one.raw))


def test_an_error_of_our_own_is_one_line_with_a_private_file(terminals: list[Terminal]) -> None:
    one = start(terminals, "crash")
    assert one.ended() == 70
    last = one.raw.decode().rsplit("\x1b[?1004l", 1)[-1]
    assert "internal error (" in last and "Traceback" not in last and "hunter2" not in last
    path = Path(last.split("details are in ")[1].strip())
    assert path.stat().st_mode & 0o077 == 0 and "home_rows.py" in path.read_text()
    path.unlink()


def test_at_rest_with_ten_services_it_stays_under_a_kilobyte_a_second(terminals: list[Terminal]) -> None:
    one = start(terminals, "live")
    one.shows("READY")
    one.read(3)
    seconds = 8
    assert len(one.read(seconds)) <= 1_000 * seconds
