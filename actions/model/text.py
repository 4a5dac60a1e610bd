"""Cleaning of remote text at the door.

Terminal libraries do not strip control characters; a log line with an OSC sequence would reach the operator's terminal.
Every client passes what it reads through `clean` before anything else sees it.
"""

import re

MARK = "\N{REPLACEMENT CHARACTER}"
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)"  # CSI, 7 and 8 bit, unterminated too
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)?"  # OSC DCS SOS PM APC
    r"|\x1b[ -/]*[0-~]?"  # other escapes
)
_BIDI_AND_INVISIBLE = (  # every character of the category Cf, and the separators of lines and paragraphs
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f"
)
_CONTROLS = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI_AND_INVISIBLE}\ud800-\udfff]+")


def clean(value: object, *, multiline: bool = False, limit: int = 4_000, lines: int = 1_000) -> str:
    """`value` as text that is safe to print: no control sequence, control character, bidi or invisible character.

    Removed runs leave one visible mark. `limit` is the longest line in characters (one line in all unless
    `multiline`), `lines` the most lines kept. Bytes are decoded as UTF-8 with replacement.
    """
    raw = value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
    budget = limit * (lines if multiline else 1)
    cut = len(raw) > budget
    raw = raw[:budget].replace("\r\n", "\n")
    raw = _CONTROLS.sub(MARK, _SEQUENCES.sub(MARK, raw))
    if not multiline:
        flat = " ".join(raw.replace("\t", " ").split("\n"))
        return _shorten(flat, limit, cut)
    kept = [_shorten(line, limit, False) for line in raw.expandtabs(4).split("\n")[:lines]]
    return "\n".join(kept) + ("…" if cut else "")


def _shorten(text: str, limit: int, cut: bool) -> str:
    if len(text) > limit or cut:
        return text[: limit - 1] + "…"
    return text
