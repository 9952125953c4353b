"""SSH keys: the server's own, kept beside the spool, and the accounts' from the registry."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import asyncssh

log = logging.getLogger(__name__)

_HOST_KEY = "ssh_host_ed25519_key"


def host_keys(folder: Path) -> list[asyncssh.SSHKey]:
    """Return the server's keys, ``ssh_host_*_key`` in ``folder``; at the first start an Ed25519 key is made.

    Raises ``ValueError`` naming the file when one cannot be read as a private key.
    """
    if not (folder / _HOST_KEY).exists():
        _make_key(folder / _HOST_KEY)
    return [_read_key(path) for path in sorted(folder.glob("ssh_host_*_key"))]


def is_listed(key: asyncssh.SSHKey, public_keys: Iterable[str]) -> bool:
    """Tell whether ``key`` is one of these (OpenSSH's text form); comments do not matter."""
    offered = key.export_public_key().decode().split()[:2]
    return any(line.split()[:2] == offered for line in public_keys)


def _make_key(path: Path) -> None:
    # Made under another name: a crash in between must not leave half a key for the next start.
    key = asyncssh.generate_private_key("ssh-ed25519", comment="quantrac receiver")
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _read_key(path: Path) -> asyncssh.SSHKey:
    try:
        key = asyncssh.read_private_key(path)
    except asyncssh.KeyImportError as error:
        raise ValueError(f"{path} is not a private key without passphrase: {error}") from error
    log.info("sftp host key %s", key.get_fingerprint())
    return key
