"""Folding: nothing is lost, nothing is wider than the page."""

from hypothesis import given
from hypothesis import strategies as st

from screens.cells import row
from screens.fold import fold

TEXT = st.text(alphabet="ab 漢é.", max_size=120)


@given(st.lists(st.tuples(TEXT, st.sampled_from(["text", "dim"])), max_size=4), st.integers(4, 60), st.integers(0, 20))
def test_nothing_but_blanks_is_lost_and_nothing_is_too_wide(
    parts: list[tuple[str, str]], width: int, hang: int
) -> None:
    line = row(*parts)
    rows = fold(line, width, hang)
    assert all(one.width <= width for one in rows)
    assert "".join(one.plain for one in rows).replace(" ", "") == line.plain.replace(" ", "")


def test_words_stay_whole_and_later_rows_hang_in_with_their_colours() -> None:
    line = row(("22:41  ", "dim"), ("failed  ", "down"), "green answers nothing")
    assert [one.plain for one in fold(line, 22, 7)] == ["22:41  failed  green ", "       answers nothing"]
    assert fold(line, 22, 7)[0].spans[1] == ("failed  ", "down")
