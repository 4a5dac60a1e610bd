"""One HTTP exchange over httpcore, the lower half of httpx: guarded, with a bounded decoded body, trouble told apart.

httpx has no total timeout, decodes without bound and follows the environment's proxies; here each exchange gets its
limits from outside. What it does above httpcore is not wanted: cookies, redirects, authentication.
"""

import ssl
import zlib
from typing import Any

import httpcore

from actions.clients.http_answer import Trouble
from actions.clients.names import forbidden, is_address
from actions.model.errors import Unreachable
from actions.model.text import clean

_ASKED = ("gzip", "x-gzip", "deflate")
_NOT_ASKED = ("br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "aes128gcm")
"""The other codings that are registered for HTTP."""
_BAD_HEADER = "illegal header line: bytearray("


class Limit(Exception):
    """The exchange is broken off on purpose; carries the trouble to report."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


class Trace:
    """Follows one exchange inside httpcore: whether it had to connect and where to, and whether anything was sent."""

    __slots__ = ("_literal", "connected", "sent")

    def __init__(self, host: str) -> None:
        self._literal = is_address(host)
        self.connected = False
        self.sent = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self.connected = True
            if not self._literal:
                await _refuse_metadata(info["return_value"])
        elif event == "http11.send_request_headers.started":
            self.sent = True


async def _refuse_metadata(stream: Any) -> None:
    """Close the connection before anything is sent when the name led to a link-local address."""
    peer = stream.get_extra_info("server_addr")
    if peer and forbidden(str(peer[0])):
        await stream.aclose()
        raise Limit(Trouble.FORBIDDEN, f"the name leads to the link-local address {clean(peer[0])}; nothing was sent")


async def bounded_body(response: httpcore.Response, limit: int) -> bytes:
    """The decoded body, or Limit once it exceeds `limit` bytes, on the wire or decoded (a gzip bomb stops here)."""
    coding = _coding(response)
    inflate = None if coding is None else zlib.decompressobj(zlib.MAX_WBITS | 32)
    body = bytearray()
    taken = 0
    async for piece in response.aiter_stream():
        taken += len(piece)
        try:
            if coding == "deflate" and taken == len(piece) and not _has_header(piece):
                inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            body += piece if inflate is None else inflate.decompress(piece, limit + 1 - len(body))
        except zlib.error as error:
            raise Limit(Trouble.PROTOCOL, f"the compressed answer is broken: {clean(error)}") from error
        if len(body) > limit or taken > limit:
            raise Limit(Trouble.TOO_LARGE, f"the answer is larger than {limit // 1024} KiB; reading stopped")
    if inflate is not None and not inflate.eof and taken:
        raise Limit(Trouble.PROTOCOL, "the compressed answer ends early")
    return bytes(body)


def _coding(response: httpcore.Response) -> str | None:
    """The compression of the body; None when it has none. What is no compression at all, as "UTF-8", is passed over.

    Browsers do so as well. Raises Limit for a compression that was not asked for, or several.
    """
    words = [word.strip().lower() for word in header(response, b"content-encoding").split(",")]
    named = [word for word in words if word in _ASKED or word in _NOT_ASKED]
    if len(named) > 1 or any(word in _NOT_ASKED for word in named):
        shown = clean(", ".join(named), limit=40)
        raise Limit(Trouble.PROTOCOL, f"answers in the coding '{shown}', which was not asked for")
    return named[0] if named else None


def _has_header(piece: bytes) -> bool:
    """Whether deflated data begin as RFC 9110 wants it (RFC 1950), or as gzip; some servers send the bare stream."""
    return piece[:2] == b"\x1f\x8b" or (len(piece) > 1 and piece[0] & 15 == 8 and (piece[0] * 256 + piece[1]) % 31 == 0)


def header(response: httpcore.Response, name: bytes) -> str:
    """All headers of that name, given in small letters; empty when there is none."""
    return ", ".join(value.decode("latin-1") for key, value in response.headers if key.lower() == name)


def told_apart(error: BaseException) -> tuple[Trouble, str]:
    """Which trouble a failed exchange was, and a few words for the screen."""
    if isinstance(error, Limit):
        return error.trouble, error.detail
    if isinstance(error, Unreachable):
        return Trouble.FORBIDDEN if "link-local" in error.message else Trouble.NAME, error.message
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble.TLS, f"certificate not accepted: {clean(cause.verify_message, limit=200)}"
        if isinstance(cause, ssl.SSLError):
            return Trouble.TLS, f"no secure connection: {clean(cause.reason or cause, limit=200)}"
    if isinstance(error, httpcore.ConnectError):
        refused = any(isinstance(cause, ConnectionRefusedError) for cause in _chain(error))
        return Trouble.REFUSED, "connection refused" if refused else f"cannot connect: {_os_words(error)}"
    if isinstance(error, httpcore.ReadError | httpcore.WriteError):
        return Trouble.RESET, "the connection was reset"
    if isinstance(error, httpcore.RemoteProtocolError) and "disconnected" in str(error):
        return Trouble.RESET, "the connection was closed without an answer"
    if isinstance(error, httpcore.RemoteProtocolError) and "peer closed" in str(error):
        return Trouble.RESET, "the connection was closed in the middle of the answer"
    return Trouble.PROTOCOL, f"not a proper HTTP answer: {_not_proper(str(error))}"


def _not_proper(words: str) -> str:
    """What h11 did not accept. A header is shown by its name, never with its value, which may be a secret."""
    if not words.startswith(_BAD_HEADER):
        return clean(words.split(": bytearray")[0], limit=200)
    line = words[len(_BAD_HEADER) + 2 : len(_BAD_HEADER) + 200]  # behind the b and the quote of its repr
    name, colon, _ = line.partition(":")
    if not colon:
        return f"the header line '{clean(name.split(' ')[0], limit=40)}' has no colon"
    shown = f"the header '{clean(name.rstrip(), limit=60)}'"
    if name.rstrip() != name and " " not in name.rstrip():
        return f"{shown} has a space before its colon"
    return f"{shown} has a name or value that HTTP does not allow"


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(found) < 20:
        one = waiting.pop(0)
        if one is None or one in found:
            continue
        found.append(one)
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return found


def _os_words(error: BaseException) -> str:
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.strerror:
            return clean(cause.strerror, limit=200)
    return clean(error, limit=200)
