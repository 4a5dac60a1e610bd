"""The table of faults names tests that exist, and every row has some: it cannot rot unnoticed."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = TESTS.parent / "docs" / "fault-matrix.md"
REQUIRED = {*range(1, 13), *range(14, 37), 49, 51, *range(53, 63)}
ROW = re.compile(r"^\| (\d+) \|.*\|(.*)\|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows() -> dict[int, list[tuple[str, str]]]:
    """Named tests by row: file below tests/, function."""
    found = [(int(number), NAMED.findall(cell)) for number, cell in ROW.findall(TABLE.read_text("utf-8"))]
    assert len(found) == len(dict(found)), "a row stands there twice"
    return dict(found)


def functions_of(file: Path) -> set[str]:
    """The test functions that a file defines and does not skip outright."""
    found = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marks = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
            if not marks & {"pytest.mark.skip", "pytest.mark.xfail"}:
                found.add(node.name)
    return found


def test_every_row_is_there_and_names_a_test() -> None:
    named = rows()
    assert set(named) == REQUIRED
    assert not [number for number, tests in named.items() if not tests]


@pytest.mark.parametrize(("number", "tests"), rows().items(), ids=str)
def test_the_named_tests_exist(number: int, tests: list[tuple[str, str]]) -> None:
    for path, name in tests:
        file = TESTS / path
        assert file.is_file(), f"row {number}: no file {path}"
        assert name in functions_of(file), f"row {number}: {path} has no test {name}"


def test_text_below_the_table_names_tests_that_exist_too() -> None:
    named = NAMED.findall(TABLE.read_text("utf-8"))
    assert len(named) >= len(REQUIRED)
    assert [one for one in named if one[1] not in functions_of(TESTS / one[0])] == []
