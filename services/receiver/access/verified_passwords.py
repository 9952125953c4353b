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
_PROOFS = 2  # of an account: while its password changes over, some of its loggers still send the old one


class VerifiedPasswords:
    """The proof of each account, under a key of this process's own."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(_KEY_BYTES)
        self._proofs: dict[str, tuple[bytes, ...]] = {}

    def get(self, account: str) -> tuple[bytes, ...]:
        """Return the proofs of an account, two at most."""
        return self._proofs.get(account, ())

    def put(self, account: str, proof: bytes) -> None:
        """Add a proof of an account, in place of the oldest where it has two."""
        self._proofs[account] = _with(self.get(account), proof)


class VerifiedPasswordFile(VerifiedPasswords):
    """The same, also in a file: one line a proof, of an account the last two count. One process a file.

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
        lines = (_line(name, proof) for name, proofs in self._proofs.items() for proof in proofs)
        _write(file, b"".join(lines))

    def put(self, account: str, proof: bytes) -> None:
        """Add a proof of an account; a file that cannot be written is logged."""
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


def _with(proofs: tuple[bytes, ...], proof: bytes) -> tuple[bytes, ...]:
    return (*(before for before in proofs if before != proof), proof)[-_PROOFS:]


def _read(file: Path) -> dict[str, tuple[bytes, ...]]:
    proofs: dict[str, tuple[bytes, ...]] = {}
    lines = file.read_bytes().splitlines() if file.exists() else []
    for line in lines:
        account, _, text = line.decode("ascii", "replace").partition("\t")
        try:
            proof = bytes.fromhex(text)
        except ValueError:
            continue  # cut by a crash
        if len(proof) == _PROOF_BYTES:
            proofs[account] = _with(proofs.get(account, ()), proof)
    return proofs


def _line(account: str, proof: bytes) -> bytes:
    return f"{account}\t{proof.hex()}\n".encode()


def _write(file: Path, content: bytes) -> None:
    # Beside and renamed: an existing file would keep its mode, and a link would be followed.
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    new.replace(file)
