"""Passwords that were verified before, as proofs: in memory, and in a file that outlives a restart.

A proof is a keyed hash of the password and its hash in the registry. Why the key lies in a file, and
what that costs: ``docs/adr/0004-verified-passwords-outlive-a-restart.md``.
"""

import logging
import os
import secrets
from pathlib import Path

log = logging.getLogger(__name__)

_KEY_BYTES = 32
_PROOF_BYTES = 32


class VerifiedPasswords:
    """The proof of each account, under a key of this process's own."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(_KEY_BYTES)
        self._proofs: dict[str, bytes] = {}

    def get(self, account: str) -> bytes:
        """Return the proof of an account; empty where there is none."""
        return self._proofs.get(account, b"")

    def put(self, account: str, proof: bytes) -> None:
        """Set the proof of an account."""
        self._proofs[account] = proof


class VerifiedPasswordFile(VerifiedPasswords):
    """The same, also in a file: one line an account, of several the last counts. One process a file.

    Both files are readable by their owner only. Losing or damaging either costs the slow check of the next
    logins and nothing else, so nothing is flushed to the disk.
    """

    def __init__(self, file: Path, key_file: Path) -> None:
        super().__init__()
        self._file = file
        if _is_private(key_file) and len(key := key_file.read_bytes()) == _KEY_BYTES:
            self.key = key
            self._proofs = _read(file)
        else:
            _write(key_file, self.key)
        _write(file, b"".join(_line(*item) for item in self._proofs.items()))

    def put(self, account: str, proof: bytes) -> None:
        """Set the proof of an account; a file that cannot be written is logged."""
        super().put(account, proof)
        try:
            with self._file.open("ab") as file:
                file.write(_line(account, proof))
        except OSError as error:
            log.warning("a verified password will be checked again after a restart: %s", error)


def _is_private(key_file: Path) -> bool:
    try:
        mode = key_file.stat().st_mode
    except FileNotFoundError:
        return False
    # A volume's own group may be let in by what mounts it; everybody may not.
    return os.name != "posix" or not mode & 0o007


def _read(file: Path) -> dict[str, bytes]:
    proofs: dict[str, bytes] = {}
    lines = file.read_bytes().splitlines() if file.exists() else []
    for line in lines:
        account, _, proof = line.decode("ascii", "replace").partition("\t")
        try:
            proofs[account] = bytes.fromhex(proof)
        except ValueError:
            continue  # cut by a crash
    return {account: proof for account, proof in proofs.items() if len(proof) == _PROOF_BYTES}


def _line(account: str, proof: bytes) -> bytes:
    return f"{account}\t{proof.hex()}\n".encode()


def _write(file: Path, content: bytes) -> None:
    # Beside and renamed: an existing file would keep its mode, and a link would be followed.
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    new.replace(file)
