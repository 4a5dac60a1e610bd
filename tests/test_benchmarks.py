"""The benchmarks can be taken: every measurement is there, and the table says what is over its budget."""

from importlib import import_module

import pytest

from benchmarks.__main__ import MEASUREMENTS, main
from benchmarks.table import Figure, table


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_every_measurement_can_be_loaded(name: str) -> None:
    assert callable(import_module(f"benchmarks.{name}").measure)


def test_an_unknown_measurement_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "first_frame" in capsys.readouterr().err


def test_the_table_holds_each_figure_to_its_budget() -> None:
    figures = [
        Figure("ratio", 300, "ms", 1.5, 100, of_baseline=True),
        Figure("bound", 0.1, "s", 0.2, 0.01),
        Figure("told", 1234567, "B"),
        Figure("none lost", 0, "", 0),
        Figure("no baseline", 1, "ms", 1.5, of_baseline=True),
    ]
    lines = table(figures).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["over", "ok", "B", "ok", "unknown"]
    assert "3.00" in lines[1] and "1.5 x" in lines[1] and "1,234,567 B" in lines[3]
