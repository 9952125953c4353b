"""TLS of HTTP, through the standard library: a server's certificate, a client's, and who sent one."""

import hashlib
import re
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantrac.io.renewed_files import RenewedFiles

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """The files (PEM) of a server that speaks TLS."""

    certificate: Path
    """Its certificate chain, its own certificate first."""
    key: Path
    """Its private key; may be the same file."""
    client_authority: Path | None = None
    """Certificates that vouch for clients, or are theirs; without it clients are not asked for one."""


def server_files(
    certificate: Path | None, key: Path | None, client_authority: Path | None = None
) -> ServerFiles | None:
    """Return the files that settings name; ``None`` without a certificate, for then there is no TLS."""
    return ServerFiles(certificate, key or certificate, client_authority) if certificate else None


class ServerTls:
    """The context of a server for its next connection: TLS 1.2 or later, renewed files without a restart.

    Raises ``ValueError`` where the files cannot be used at the start.
    """

    def __init__(self, files: ServerFiles) -> None:
        authority = [files.client_authority] if files.client_authority else []
        try:
            self._contexts = RenewedFiles(
                [files.certificate, files.key, *authority], lambda: _server_context(files)
            )
        except OSError as error:
            raise ValueError(f"{files.certificate} and its key: {error.strerror or error}") from error

    def context(self) -> ssl.SSLContext:
        """Return the context for a new connection."""
        return self._contexts.get()


def server_tls(files: ServerFiles | None) -> ServerTls | None:
    """Return the TLS of a server, where it is to speak it; exits with one sentence for unusable files."""
    try:
        return ServerTls(files) if files else None
    except ValueError as error:
        sys.exit(f"bad configuration: {error}")


def _server_context(files: ServerFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    _load_pair(context, files.certificate, files.key)
    if files.client_authority is not None:
        # Optional: a client without a certificate logs in with its password.
        context.verify_mode = ssl.CERT_OPTIONAL
        _load_authority(context, files.client_authority)
    return context


def client_context(
    authority: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return the context of a client that verifies the server, and shows a certificate where it has one.

    ``authority``: the certificates (PEM) to trust in place of the system's. Raises ``ValueError`` for files
    that cannot be used.
    """
    if authority is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load_authority(context, authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        _load_pair(context, certificate, key or certificate)
    return context


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # Asked for a passphrase, OpenSSL would wait for a terminal.
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except OSError as error:  # of which ssl.SSLError is one
        raise ValueError(f"{certificate} and {key} are no certificate and its key: {error}") from error


def _refuse_passphrase() -> str:
    raise ValueError("the private key has a passphrase; take it off, and let only its owner read the file")


def _load_authority(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(cafile=authority)
    except OSError as error:
        raise ValueError(f"{authority} holds no certificates (PEM): {error}") from error
    # A certificate in the file vouches for itself, whoever has signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER), 64 lower-case hex digits."""
    return hashlib.sha256(certificate).hexdigest()


def read_fingerprint(file: Path) -> str:
    """Return the fingerprint of the first certificate (PEM) of a file.

    Raises ``OSError``, or ``ValueError`` where it holds none.
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    match = _CERTIFICATE.search(text)
    if match is None:
        raise ValueError(f"{file} holds no certificate (PEM)")
    return fingerprint(ssl.PEM_cert_to_DER_cert(match[0]))


def tls_extension(connection: ssl.SSLObject) -> dict[str, Any]:
    """Return what ``scope["extensions"]["tls"]`` says of a connection (ASGI TLS extension 0.2).

    The chain holds the client's own certificate alone, and no names are read from it; it is empty where the
    client has shown none. A certificate here has been verified.
    """
    certificate = connection.getpeercert(binary_form=True)
    return {
        "server_cert": None,
        "client_cert_chain": [ssl.DER_cert_to_PEM_cert(certificate)] if certificate else [],
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(connection.version() or ""),
        "cipher_suite": None,
    }


def client_fingerprint(scope: Mapping[str, Any]) -> str:
    """Return the fingerprint of the certificate that the client of an ASGI scope has shown; empty = none."""
    chain: Sequence[str] = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain", ())
    return fingerprint(ssl.PEM_cert_to_DER_cert(chain[0])) if chain else ""
