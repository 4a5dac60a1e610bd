"""Rules for addresses in the configuration. Each function returns its argument or raises ValueError with the rule."""

from urllib.parse import urlsplit


def http_address(text: str) -> str:
    """An http:// or https:// address with a host, and without user or password: those belong into 'headers'."""
    try:
        parts = urlsplit(text)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("this is not an address; expected http://host:port or https://host") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_one:
        raise ValueError("must be an address such as http://host:port or https://host")
    if "@" in parts.netloc:
        raise ValueError("must hold no user or password; give them in 'headers' as a secret")
    return text


def http_path(text: str) -> str:
    """A path on the service's own address."""
    if not text.startswith("/") or text.startswith("//"):
        raise ValueError("must be a path that begins with one '/', on the address in 'url'")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("must hold no blanks or control characters")
    return text


def postgres_address(text: str) -> str:
    """A libpq connection string: postgresql://user@host:port/database or `host=… dbname=…`."""
    if not text.startswith(("postgresql://", "postgres://")) and "=" not in text:
        raise ValueError("must be postgresql://user@host:port/database or 'host=… dbname=… user=…'")
    return text


def redis_address(text: str) -> str:
    """redis://, rediss:// (TLS) or unix:// with a path."""
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must be redis://host:port/0, rediss://host:port/0 or unix:///path/of.sock")
    return text
