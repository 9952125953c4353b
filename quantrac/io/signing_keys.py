"""A folder of signing keys: the last one by name signs, those before it check what they have signed.

``<name>.pem`` is a private key, mode 0600. ``<name>.pub`` is the public key of a retired one, whose private
part exists no more. Every key is published for ever, since what it signed is evidence for years.
"""

import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from quantrac.io.jws import KeySet, PublicKey, SigningKey
from quantrac.io.private_files import create_private, make_private_folder, write_private

log = logging.getLogger(__name__)


class SigningKeys:
    """The keys of a folder, read again when it changes; used by several threads."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; raises ``ValueError`` with a sentence where it has no key that signs."""
        self._folder, self._lock = folder, threading.Lock()
        self._signing, self._public = _read_keys(folder)
        self._changed_at = _change_time(folder)

    def sign(self, payload: bytes, media_type: str) -> str:
        """Sign with the newest key; see :meth:`quantrac.io.jws.SigningKey.sign`."""
        self._refresh()
        return self._signing.sign(payload, media_type)

    @property
    def public(self) -> KeySet:
        """Every key, the one that signs first."""
        self._refresh()
        return self._public

    def _refresh(self) -> None:
        with self._lock:
            try:
                changed_at = _change_time(self._folder)
                if changed_at == self._changed_at:
                    return
                self._changed_at = changed_at
                self._signing, self._public = _read_keys(self._folder)
                log.info("signing with key %s", self._signing.public.id)
            except (ValueError, OSError) as error:
                log.error("the keys read before go on to be used: %s", error)


def rotate_keys(folder: Path) -> PublicKey:
    """Make a new key, which signs from now on, and retire those before it; returns the new one.

    The folder is made where there is none. Raises ``OSError``, or ``ValueError`` for a file that is no key
    and for a folder of another user, whose processes could not read the new one.
    """
    make_private_folder(folder)
    if folder.stat().st_uid != os.geteuid():
        raise ValueError(f"{folder} belongs to another user, who alone can make its keys")
    before = [(file, _read_private(file)) for file in _list_files(folder, "pem")]
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    if before:  # the new name comes last even where the clock was wrong, or somebody else gave the names
        name = max(name, f"{before[-1][0].stem}-1")
    key = SigningKey.generate()
    with create_private(folder / f"{name}.pem") as output:
        output.write(key.to_pem())
    # Its public part is on disk before a private key goes: no receipt may lose its key.
    for file, retired in before:
        write_private(file.with_suffix(".pub"), retired.public.to_pem().decode())
        file.unlink()
    return key.public


def _read_keys(folder: Path) -> tuple[SigningKey, KeySet]:
    private = [_read_private(file) for file in reversed(_list_files(folder, "pem"))]
    if not private:
        raise ValueError(f"{folder} has no private key (*.pem)")
    retired = [_read_public(file) for file in reversed(_list_files(folder, "pub"))]
    return private[0], KeySet([*(key.public for key in private), *retired])


def _list_files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*.{suffix}"), key=lambda file: file.stem)


def _read_private(file: Path) -> SigningKey:
    try:
        return SigningKey.from_pem(file.read_bytes())
    except (ValueError, OSError) as error:
        raise ValueError(f"{file} is no private Ed25519 key (PEM): {error}") from error


def _read_public(file: Path) -> PublicKey:
    try:
        return PublicKey.from_pem(file.read_bytes())
    except (ValueError, OSError) as error:
        raise ValueError(f"{file} is no public Ed25519 key (PEM): {error}") from error


def _change_time(folder: Path) -> int:
    return folder.stat().st_mtime_ns
