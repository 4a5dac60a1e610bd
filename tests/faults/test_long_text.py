"""Text from outside costs time in proportion to its length, whatever stands in it: no address freezes a screen."""

import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest

import actions
import screens
import vq_tui
from actions.clients.health_body import text_verdict
from actions.clients.secrets import LIMIT, redact
from actions.model.text import clean

SHORT, LONG = 500, 4_000
QUICK = 0.01
"""Seconds of the processor in which nothing super-linear is done with LONG characters, however fast the machine."""
FEWEST_TIMES = 3
PIECES = (
    *("a", "a.", "a-", "0", "0.", " ", "\n", "\n ", "=", '"', "'", "\\", '"\\', "/", "{", "(", "[", "<", "[0", "{a"),
    *("://", "http://", "a://a:", "a:a@", "password", "password ", "password=", 'password="\\"', "token token", "api"),
    *(
        "authorization",
        "authorization: ",
        "authorization: bearer ",
        "secret: '\\'",
        "\x1b",
        "\x1b[",
        "\x1b[0",
        "\x1b]0",
    ),
    *("\x9b0;", "\x1b(", "\u202e", "not ", "ok.", "[+]", "$", "${A", '# TYPE "', "sha256:", "_prev_", "pid ", " pid a"),
    *("timed ", 'image: "', '  "a":\n', "1e", "+1.", "2026-11-28T", "\u0130"),
)
ENDS = ("\x00", "@")
AT_ONE_PLACE = {"actions.clients.secrets._BEHIND", "screens.cells._PLAIN"}
"""Patterns that are only matched at a place that is known, never looked for in a text."""


def modules() -> Iterator[ModuleType]:
    for package in (actions, screens, vq_tui):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield import_module(found.name)


def patterns() -> dict[str, "re.Pattern[str]"]:
    """Every pattern of the product that is compiled once, also those in tables."""
    found: dict[str, re.Pattern[str]] = {}
    for module in modules():
        for name, value in vars(module).items():
            tables = value if isinstance(value, dict) else {"": value}
            for key, one in tables.items():
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    found.setdefault(one.pattern, one)
                    found[f"{module.__name__}.{name}{key}"] = found.pop(one.pattern)
    return found


def spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def grows_too_fast(work: Callable[[str], object], piece: str, end: str) -> bool:
    """Whether eight times the length takes far more than eight times the processor, each at its best of some runs."""

    def text(length: int) -> str:
        return (piece * (length // len(piece) + 1))[:length] + end

    long, short = text(LONG), text(SHORT)
    if spent(lambda: work(long)) < QUICK:
        return False
    slow = min(spent(lambda: work(long)) for _ in range(FEWEST_TIMES))
    base = min(spent(lambda: work(short)) for _ in range(FEWEST_TIMES))
    return slow > QUICK and slow > 24 * base


def offender(work: Callable[[str], object]) -> tuple[str, str] | None:
    """The first text over which the work takes too long."""
    return next(((piece, end) for piece in PIECES for end in ENDS if grows_too_fast(work, piece, end)), None)


def using(pattern: "re.Pattern[str]", name: str = "") -> Callable[[str], object]:
    return pattern.match if name in AT_ONE_PLACE else lambda text: pattern.sub("", text)


def test_no_pattern_of_the_product_is_super_linear() -> None:
    known = patterns()
    assert len(known) > 20, "the patterns were not found"
    assert not {name: found for name, pattern in known.items() if (found := offender(using(pattern, name)))}


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda text: redact(text, ["s3cr3t-c4nary"], LONG + 1), id="redacting"),
        pytest.param(lambda text: clean(text, limit=LONG), id="cleaning"),
        pytest.param(text_verdict, id="reading a health answer"),
    ],
)
def test_what_every_text_from_outside_passes_is_linear(work: Callable[[str], object]) -> None:
    assert offender(work) is None


def test_the_measure_finds_what_is_super_linear() -> None:
    """Without this the tests above could not fail."""
    quadratic = re.compile(r"[\w.-]*password[\w.-]*")
    assert offender(using(quadratic)) is not None


def test_only_the_beginning_of_a_text_without_end_is_looked_at() -> None:
    assert len(redact("x" * (10 * LIMIT))) < LIMIT
