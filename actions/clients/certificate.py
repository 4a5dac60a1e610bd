"""The certificate a TLS server shows: until when, for whom, and whether it would be accepted."""

import asyncio
import contextlib
import os
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from actions.clients.names import look_up
from actions.clients.tls import tls_context, unverified_context
from actions.model.errors import Unreachable
from actions.model.fair_timeout import fair_timeout
from actions.model.text import clean
from actions.model.workloads import Tls


@dataclass(frozen=True)
class CertificateFacts:
    """What the server showed. `problem` is empty when the certificate is accepted under the configured trust."""

    not_before: datetime
    not_after: datetime
    subject: str
    issuer: str
    problem: str = ""


class CertificateReader:
    """Looks at the certificate of one server; makes one connection a look and sends nothing over it."""

    def __init__(
        self, host: str, port: int, *, tls: Tls | None = None, server_name: str | None = None, timeout: float = 5.0
    ) -> None:
        """Raises ConfigError for files that cannot be used."""
        self._address = (host, port)
        self._name = server_name or (tls.server_name if tls else None) or host
        self._timeout = timeout
        self._trusting = unverified_context(tls)
        self._strict = tls_context(tls)

    async def look(self) -> CertificateFacts:
        """The certificate now. Raises Unreachable when none can be seen."""
        where = f"{self._address[0]}:{self._address[1]}"
        try:
            async with fair_timeout(self._timeout):
                await look_up(self._address[0])
                problem = ""
                try:
                    shown = await self._shown(self._strict)
                except ssl.SSLCertVerificationError as error:
                    problem = clean(error.verify_message, limit=150)
                    shown = await self._shown(self._trusting)
        except TimeoutError:
            raise Unreachable(f"{where}: no TLS answer within {self._timeout:g} s") from None
        except ssl.SSLError as error:
            raise Unreachable(f"{where}: no secure connection: {clean(error.reason or error, limit=150)}") from None
        except OSError as error:
            words = os.strerror(error.errno or 0).lower() if (error.errno or 0) > 0 else clean(error, limit=150)
            raise Unreachable(f"{where}: {words}") from None
        return parse_certificate(shown, problem)

    async def _shown(self, context: ssl.SSLContext) -> bytes:
        _, writer = await asyncio.open_connection(*self._address, ssl=context, server_hostname=self._name)
        try:
            shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not shown:
            raise Unreachable(f"{self._address[0]}:{self._address[1]}: shows no certificate")
        return shown


def parse_certificate(shown: bytes, problem: str = "") -> CertificateFacts:
    """The facts of a certificate in DER. Raises Unreachable when it is none."""
    try:
        found = x509.load_der_x509_certificate(shown)
        return CertificateFacts(
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
            subject=_common_name(found.subject),
            issuer=_common_name(found.issuer),
            problem=problem,
        )
    except ValueError as error:
        raise Unreachable(f"the certificate cannot be read: {clean(error, limit=150)}") from None


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return clean(found[0].value if found else name.rfc4514_string(), limit=120)
