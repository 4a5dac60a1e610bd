"""Rows that are too long, folded instead of cut: for what is read whole, copied and kept as evidence. Pure."""

from collections.abc import Iterable

from rich.cells import cell_len

from screens.cells import Row, Span


def fold(line: Row, width: int, hang: int = 0) -> list[Row]:
    """`line` over as many rows of `width` columns as it needs, broken at blanks; the later ones `hang` columns in."""
    hang = min(hang, width // 2)
    rows: list[Row] = []
    while line.width > width:
        head, rest = _split(line, width)
        at = head.plain.rstrip().rfind(" ")
        lead = len(head.plain) - len(head.plain.lstrip())
        if not rest.plain.startswith(" ") and at > max(lead, hang if rows else 0):
            head, rest = _split(line, cell_len(head.plain[: at + 1]))
        rows.append(head)
        line = Row((((" " * hang, "text"),) if hang else ()) + _stripped(rest).spans, line.tint)
    return [*rows, line]


def folded(lines: Iterable[Row], width: int, hang: int = 0) -> list[Row]:
    """All of `lines`, folded."""
    return [part for line in lines for part in fold(line, width, hang)]


def _split(line: Row, columns: int) -> tuple[Row, Row]:
    """What stands in the first `columns`, and the rest."""
    head: list[Span] = []
    rest: list[Span] = []
    left = columns
    for text, role in line.spans:
        taken = 0
        while taken < len(text) and not rest and cell_len(text[taken]) <= left:
            left -= cell_len(text[taken])
            taken += 1
        if text[:taken]:
            head.append((text[:taken], role))
        if text[taken:]:
            rest.append((text[taken:], role))
    return Row(tuple(head), line.tint), Row(tuple(rest), line.tint)


def _stripped(line: Row) -> Row:
    spans = list(line.spans)
    while spans and not spans[0][0].lstrip(" "):
        spans.pop(0)
    if spans:
        spans[0] = (spans[0][0].lstrip(" "), spans[0][1])
    return Row(tuple(spans), line.tint)
