"""Keeping secrets out of texts: by value in every form they travel in, and by the name next to them.

The work is linear in the length of the text: texts come from outside, and a long one must not stop anything.
"""

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

MASK = "***"
SHORTEST = 6
"""Values shorter than this are not searched for: they would tear ordinary words apart."""
LIMIT = 64 * 1024
"""Characters of a text that are looked at, where its user does not say how many it needs."""
TAIL = 256
"""Of a text that was cut off so many characters are given up at least: they may hold the beginning of a secret."""

_KEYS = ("api", "access", "private")
_NAMES = (
    *("password", "passwd", "pwd", "secret", "token", "credential"),
    *(f"{word}{dash}key" for word in _KEYS for dash in ("", "-", "_")),
)
"""One of them, in small letters, is in every name of a secret."""
_LONGEST_NAME = 60
# Possessive throughout, so that no part of a text is looked at again and again.
_BEHIND = re.compile(
    rf"""[\w.-]{{0,{_LONGEST_NAME}}}+["']?+\s*+[=:]\s*+"""
    r"""(?P<value>"(?:[^"\\\n]|\\.)*+"?+|'(?:[^'\\\n]|\\.)*+'?+|[^\s,;&"']++)"""
)
_HEADER = re.compile(
    r"(?i)((?:proxy-)?authorization[\"']?+\s*+[:=]\s*+[\"']?+(?:(?:basic|bearer|digest|negotiate)\s++)?+)[^\s\"',;]++"
)
_USERINFO = re.compile(r"(?P<head>://[^\s/?#:@]*+:)[^\s/?#]*(?=@)")


def redact(text: str, secrets: Iterable[SecretStr | str] = (), limit: int = LIMIT) -> str:
    """`text` with every known secret masked, also URL-encoded and base64, and what stands behind a secret's name.

    Known values count from six characters on. Passwords inside addresses (`scheme://user:password@`) are masked too.
    Only the first `limit` characters are looked at and returned; of a text cut off there less, since its end may hold
    a part of a secret.
    """
    values = [one.get_secret_value() if isinstance(one, SecretStr) else one for one in secrets]
    forms = [form for value in values if len(value) >= SHORTEST for form in _forms(value)]
    cut = len(text) > limit
    text = text[:limit]
    for form in forms:
        text = text.replace(form, MASK)
    if "://" in text:
        text = _USERINFO.sub(rf"\g<head>{MASK}", text)
    lower = _lower(text)
    if "authorization" in lower:
        text = _HEADER.sub(rf"\g<1>{MASK}", text)
        lower = _lower(text)
    text = _without_named(text, lower)
    return text[: -max([TAIL, *map(len, forms)])] if cut else text


def names_secret(key: str) -> bool:
    """Whether a key of that name holds a secret."""
    lower = key.lower()
    return any(name in lower for name in _NAMES)


def _lower(text: str) -> str:
    """In small letters, and as long as before: only one character of all becomes two."""
    return text.replace("\u0130", "I").lower()


def _without_named(text: str, lower: str) -> str:
    """`text` without the values that stand behind names of secrets."""
    ends: list[int] = []
    for name in _NAMES:
        at = lower.find(name)
        while at >= 0:
            ends.append(at + len(name))
            at = lower.find(name, at + len(name))
    kept: list[str] = []
    done = 0
    for end in sorted(ends):
        found = _BEHIND.match(text, end) if end >= done else None
        if found is not None:
            kept += (text[done : found.start("value")], MASK)
            done = found.end()
    return "".join(kept) + text[done:] if kept else text


@lru_cache(maxsize=256)
def _forms(value: str) -> tuple[str, ...]:
    """Every form in which a value travels, the longest first."""
    raw = value.encode("utf-8", "surrogatepass")
    forms = {value, repr(value)[1:-1]}
    forms |= {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    forms |= {form for offset in range(3) if len(form := _inner_base64(raw, offset)) >= SHORTEST}
    forms |= {form.translate(str.maketrans("+/", "-_")) for form in forms}
    return tuple(sorted(forms, key=len, reverse=True))


def _inner_base64(raw: bytes, offset: int) -> str:
    """The characters that `raw` always yields in base64 when `offset` bytes stand before it (as in `user:password`)."""
    coded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
    spill = (offset + len(raw)) % 3
    return coded[(0, 2, 3)[offset] : len(coded) - (1 if spill else 0)]
