"""Keeping secrets out of texts: by value in every form they travel in, and by the name beside them (K3, row 54)."""

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

MASK = "***"
SHORTEST = 6
"""Values shorter than this are not searched for: they would tear ordinary words apart."""

_NAMES = r"[\w.-]*(?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)[\w.-]*"
_NAMED = re.compile(
    rf"""(?ix) (?P<name> ["']? {_NAMES} ["']? \s* [=:] \s* )
         (?P<value> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^\s,;&"']+ )"""
)
_HEADER = re.compile(
    r"(?i)((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|digest|negotiate)\s+)?)([^\s\"',;]+)"
)
_USERINFO = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s/?#:@]*:)(?P<value>[^\s/?#]*)(?=@)", re.IGNORECASE)


def redact(text: str, secrets: Iterable[SecretStr | str] = ()) -> str:
    """`text` with every known secret masked, also URL-encoded and base64, and what stands behind a secret's name.

    Known values count from six characters on. Passwords inside addresses (`scheme://user:password@`) are masked too.
    """
    for secret in secrets:
        value = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        if len(value) >= SHORTEST:
            text = _known(value).sub(MASK, text)
    text = _USERINFO.sub(rf"\g<head>{MASK}", text)
    text = _HEADER.sub(rf"\g<1>{MASK}", text)
    return _NAMED.sub(lambda found: found["name"] + MASK, text)


def names_secret(key: str) -> bool:
    """Whether a key of that name holds a secret."""
    return re.fullmatch(_NAMES, key, re.IGNORECASE) is not None


@lru_cache(maxsize=256)
def _known(value: str) -> re.Pattern[str]:
    raw = value.encode()
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1]}
    forms |= {form for offset in range(3) if len(form := _inner_base64(raw, offset)) >= SHORTEST}
    forms |= {form.translate(str.maketrans("+/", "-_")) for form in forms}
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))


def _inner_base64(raw: bytes, offset: int) -> str:
    """The characters that `raw` always yields in base64 when `offset` bytes stand before it (as in `user:password`)."""
    coded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
    spill = (offset + len(raw)) % 3
    return coded[(0, 2, 3)[offset] : len(coded) - (1 if spill else 0)]
