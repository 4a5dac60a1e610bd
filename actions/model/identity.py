"""Identifiers: sortable, unguessable enough, short enough to read aloud at 3 a.m."""

import hashlib
import json
import os
import time
from typing import Any

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A ULID: 48 bits of time in milliseconds, 80 random bits, 26 characters."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def short_id(identifier: str) -> str:
    """The part people say and type: the last six characters of a ULID. Commands accept any unique suffix."""
    return identifier[-6:]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks: the one form that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of `value`, in hex."""
    return text_digest(canonical_json(value))


def text_digest(stored: str) -> str:
    """sha256 of a text as it is stored, in hex: what was approved stays so, whatever fields later versions add."""
    return hashlib.sha256(stored.encode("utf-8", "surrogatepass")).hexdigest()
