"""The line of every key, in all the ways TOML lets one write it."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.config.toml_lines import key_lines

TEXT = '''# a comment with [brackets] and = signs
title = "x # no comment"   # [a comment]
[a.b]   # table
one = 1
"two words" = 2
'quoted.key' = 3
dotted . key = { inner = 1, "other one" = [1, 2], deep.er = { x = 1 } }
text = """
[not.a.table]
key = "no \\""" key"
"""
raw = \'\'\'
# ] } = '
\'\'\'
list = [
  "a", # one
  { name = "b" },

  [1, 2],
]
[[a.many]]
name = "first"
[[a.many]]
name = "second"
[a.many.inner]
x = 2026-01-01T00:00:00Z
[ c . "d e" ]
y = -1.5e3
'''

EXPECTED = {
    ("title",): 2,
    ("a", "b"): 3,
    ("a", "b", "one"): 4,
    ("a", "b", "two words"): 5,
    ("a", "b", "quoted.key"): 6,
    ("a", "b", "dotted", "key", "inner"): 7,
    ("a", "b", "dotted", "key", "other one", 1): 7,
    ("a", "b", "dotted", "key", "deep", "er", "x"): 7,
    ("a", "b", "text"): 8,
    ("a", "b", "raw"): 12,
    ("a", "b", "list"): 15,
    ("a", "b", "list", 0): 16,
    ("a", "b", "list", 1, "name"): 17,
    ("a", "b", "list", 2, 1): 19,
    ("a", "many", 0, "name"): 22,
    ("a", "many", 1): 23,
    ("a", "many", 1, "name"): 24,
    ("a", "many", 1, "inner", "x"): 26,
    ("c", "d e", "y"): 28,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_way_to_write_a_key(newline: str) -> None:
    text = TEXT.replace("\n", newline)
    lines = key_lines(text)
    assert {path: lines.get(path) for path in EXPECTED} == EXPECTED
    assert paths(tomllib.loads(text)) <= set(lines)


def paths(value: Any, at: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path for key, inner in members for path in {(*at, key)} | paths(inner, (*at, key))}


@given(st.text(alphabet="ab.[]{}=,\"'#\n 1\\", max_size=60))
def test_every_key_of_a_valid_text_has_a_line_and_the_scan_always_ends(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert paths(data) <= set(key_lines(text))
