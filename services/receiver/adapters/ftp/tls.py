"""The certificate of the FTP door, and who may do without TLS."""

from pathlib import Path
from typing import Literal, NamedTuple

from OpenSSL import SSL

from quantrac.domain.registry.accounts import Account
from quantrac.io.renewed_files import RenewedFiles

PlainFtp = Literal["allowed", "per-account", "never"]
"""Whether FTP without TLS is for everybody, for accounts whose registry entry says so, or for nobody."""


def may_go_plain(policy: PlainFtp, account: Account) -> bool:
    """Tell whether an account may use FTP without TLS."""
    return policy == "allowed" or (policy == "per-account" and account.plain_ftp)


class Contexts(NamedTuple):
    """The TLS contexts of a session: one for its control connection, one for its data connections."""

    control: SSL.Context
    """TLS 1.2 or later."""
    data: SSL.Context
    """TLS 1.2. After a handshake of TLS 1.3 the server sends tickets, and this library cannot leave that. A
    client that only sends never reads them, so that its close resets the connection under its last bytes."""


class Certificates:
    """A certificate chain and its key (PEM files), read again when the files change.

    Raises ``ValueError`` where they cannot be read at the start. Later a pair that does not fit together, as
    in the moment between two copies, is logged and the one before it stays in use.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        try:
            self._contexts = RenewedFiles([certificate, key], self._load)
        except OSError as error:
            raise _unusable(certificate, key, error) from error

    def contexts(self) -> Contexts:
        """Return the contexts for a new session."""
        return self._contexts.get()

    def _load(self) -> Contexts:
        try:
            control, data = self._context(), self._context()
        except SSL.Error as error:
            raise _unusable(self._certificate, self._key, error) from error
        data.set_max_proto_version(SSL.TLS1_2_VERSION)
        return Contexts(control, data)

    def _context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        # Two thousand connections that wait would otherwise hold 34 KiB of buffers each.
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.use_certificate_chain_file(str(self._certificate))
        context.use_privatekey_file(str(self._key))
        context.check_privatekey()
        return context


def _unusable(certificate: Path, key: Path, error: Exception) -> ValueError:
    return ValueError(f"{certificate} and {key} are no certificate and its key: {error}")
