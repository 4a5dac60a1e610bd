"""One thin client per technology; the reading half and the writing half are two classes."""

import sys

# httpx brings its own command line along where it can: a parser, colours, lexers. Marked as absent, it does without.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
