"""Self-signed certificates: of a server on this machine, and of its clients."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.receiver.adapters.ftp.tls import Certificates


class Pair:
    """A self-signed certificate of 127.0.0.1 and its key, in two files."""

    def __init__(self, folder: Path, name: str = "tls") -> None:
        self.certificate, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self.renew()

    def renew(self) -> None:
        certificate, key = make_certificate()
        for path, content in ((self.key, key), (self.certificate, certificate)):
            written = path.with_suffix(".new")
            written.write_bytes(content)
            written.rename(path)

    def certificates(self) -> Certificates:
        return Certificates(self.certificate, self.key)

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def make_certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
