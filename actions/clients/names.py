"""Name lookup before a client connects: bounded, never in the shared thread pool, and never a metadata address."""

import ipaddress
import socket
import time
from functools import lru_cache

from actions.clients.blocking import aside
from actions.model.errors import Unreachable
from actions.model.text import clean

_GOOD_FOR = 30.0
_known: dict[str, float] = {}


async def look_up(host: str) -> None:
    """Return once `host` resolves (remembered for 30 s). Raises Unreachable when it does not, or is link-local.

    Link-local addresses carry the metadata services of clouds. A name that leads there is refused; an address that is
    itself written in the configuration is the operator's explicit wish and passes.
    """
    if is_address(host) or _known.get(host, 0.0) > time.monotonic():
        return
    try:
        found = await aside(("name", host), lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise Unreachable(
            f"the name {clean(host)} does not resolve: {clean(getattr(error, 'strerror', error))}"
        ) from error
    for entry in found:
        if forbidden(str(entry[4][0])):
            raise Unreachable(f"the name {clean(host)} leads to the link-local address {entry[4][0]}; not asked")
    _known[host] = time.monotonic() + _GOOD_FOR


@lru_cache(maxsize=4_096)
def is_address(host: str) -> bool:
    """Whether `host` is a literal address."""
    try:
        ipaddress.ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        return False
    return True


def forbidden(address: str) -> bool:
    """Whether a name must not lead to this address."""
    one = ipaddress.ip_address(address.split("%")[0])
    mapped = one.ipv4_mapped if isinstance(one, ipaddress.IPv6Address) else None
    return (mapped or one).is_link_local or str(one) == "fd00:ec2::254"
