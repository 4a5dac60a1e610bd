"""Rows keep their columns and let nothing through that could move the cursor."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from screens.band import Identity, band
from screens.cells import beside, cut, ends, fit, padded, row, safe, wrap
from screens.glyphs import OURS, to_ascii
from screens.spark import falling
from screens.widgets.lines import differences


@given(st.text(max_size=60))
def test_safe_text_holds_no_character_that_controls_hides_or_combines(text: str) -> None:
    for char in safe(text):
        assert unicodedata.category(char)[0] not in "CM" and char != "\x1b"


@given(st.text(max_size=60), st.integers(1, 40))
def test_fit_takes_exactly_its_columns(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit(text, width, right=True)) == width


@given(st.lists(st.text(max_size=20), max_size=5), st.integers(1, 60))
def test_cut_and_padded_rows_have_their_width(parts: list[str], width: int) -> None:
    line = row(*parts)
    assert cut(line, width).width <= width
    assert padded(line, width).width == width


@given(st.text(max_size=30), st.text(max_size=20), st.integers(22, 80))
def test_both_ends_stay_in_the_width(left: str, right: str, width: int) -> None:
    line = ends(row(left), row((right, "dim")), width)
    assert line.width <= width
    assert line.plain.rstrip().endswith(safe(right).rstrip()) or line.width == width


@given(st.text(max_size=80), st.integers(4, 40))
def test_wrapped_lines_lose_no_word_and_fit(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(safe(text).split())


@given(st.text(max_size=40))
def test_ascii_keeps_the_columns(text: str) -> None:
    shown = safe(text)
    assert to_ascii(shown).isascii()
    assert len(to_ascii(shown)) == cell_len(shown)


def test_every_glyph_of_ours_is_one_column_and_has_a_stand_in() -> None:
    for glyph in OURS:
        assert cell_len(glyph) == 1 and len(to_ascii(glyph)) == 1 and to_ascii(glyph) != "?"


def test_two_columns_start_where_they_should() -> None:
    assert beside(row("left"), row("right"), 10, 2).plain == "left        right"


def test_only_the_cells_that_differ_are_repainted() -> None:
    before, after = row("live 1s   22:41:07Z"), row("live 2s   22:41:08Z")
    assert differences(before, after) == [(5, 6), (17, 18)]
    assert differences(before, before) == []
    assert differences(row("abc"), row("abd")) == [(2, 3)]
    assert differences(row(("abc", "ok")), row(("abc", "down"))) == [(0, 3)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.0,) * 10 + (0.35, 0.34, 0.36, 0.0, 0.0, 0.0), "falling"),  # after the switch
        ((0.0,) * 20, "steady"),
        ((0.0, 0.0, 0.0, 0.1, 0.2, 0.0), "steady"),  # nothing that is zero now is rising
        ((0.9,) * 8 + (0.1,) * 6 + (0.2, 0.3, 0.35), "rising"),  # an old peak does not make an incident fall
        ((None, 0.2, None, 0.2, 0.2, 0.2, 0.2, 0.2), "steady"),
        ((0.1, 0.2, 0.3), ""),
    ],
)
def test_a_tendency_is_that_of_the_last_few_values(values: tuple[float | None, ...], words: str) -> None:
    assert falling(values) == words


@pytest.mark.parametrize("drill", [True, False])
@pytest.mark.parametrize("read_only", [True, False])
def test_the_band_drops_words_at_the_right_before_it_cuts_those_at_the_left(drill: bool, read_only: bool) -> None:
    who = Identity("sandbox", "virtual-queue", "red", drill, read_only, 2.0, "bastion-1", "mira")
    for count in range(30):
        shown = band(who, ("emergency rollback",), ("lock free", "x" * count, "03:08:34Z"), 80)
        assert shown.width == 80
        assert "emergency rollback" in shown.plain and "03:08:34Z" in shown.plain, shown.plain
