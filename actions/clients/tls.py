"""TLS contexts from settings: TLS 1.2 or newer, pinned authority, client certificate."""

import ssl

from actions.model.errors import ConfigError
from actions.model.text import clean
from actions.model.workloads import Tls

_default: list[ssl.SSLContext] = []
_nobody: list[ssl.SSLContext] = []


def tls_context(tls: Tls | None) -> ssl.SSLContext:
    """A client context for `tls`. Raises ConfigError naming the file that cannot be used.

    Without `ca` the system's authorities are trusted. With `ca` only what that file holds is trusted, so that it may
    also be the server's own certificate. Loading authorities is slow: the context without settings is made once.
    """
    if tls is None or tls == Tls():
        if not _default:
            _default.append(_fresh(None))
        return _default[0]
    return _fresh(tls)


def plain_context() -> ssl.SSLContext:
    """For transports that never negotiate TLS and want a context all the same: trusts nobody, and is made once."""
    if not _nobody:
        _nobody.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return _nobody[0]


def unverified_context(tls: Tls | None) -> ssl.SSLContext:
    """A context that reads a certificate without believing it. Nothing may be sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _present(context, tls)
    return context


def _fresh(tls: Tls | None) -> ssl.SSLContext:
    if tls is None or tls.ca is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(tls.ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"cannot read certificates to trust from {tls.ca}: {clean(error)}") from error
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    newest_only = tls is not None and tls.minimum == "1.3"
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if newest_only else ssl.TLSVersion.TLSv1_2
    _present(context, tls)
    return context


def _present(context: ssl.SSLContext, tls: Tls | None) -> None:
    if tls is None or tls.certificate is None:
        return
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_passphrase)
    except (OSError, ssl.SSLError) as error:
        files = f"{tls.certificate} and {tls.key}" if tls.key else f"{tls.certificate}"
        raise ConfigError(f"cannot use the client certificate in {files}: {clean(error)}") from error


def _no_passphrase() -> str:
    raise ConfigError("the key of the client certificate asks for a passphrase; give a key without one, mode 0600")
