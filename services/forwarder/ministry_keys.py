"""The ministry's public keys as the province keeps them, and what they say of a receipt's signature."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from quantrac.io.jws import BadSignature, KeySet, UnknownKey
from quantrac.io.private_files import make_private_folder, write_private
from schemas.messages.deliveries import RECEIPT_TYPE
from services.forwarder.ministry import BadReceipt

log = logging.getLogger(__name__)

KEYS_FILE = "ministry-keys.json"
"""Name of the file in the role's folder."""

# A ministry that signs with a key it does not publish is not asked for it at each delivery.
_FETCH_PAUSE_SECONDS = 30.0


class MinistryKeys:
    """Public keys in a file, which forgets none; used by several threads."""

    def __init__(
        self,
        file: Path,
        fetch: Callable[[], str] | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the file; ``fetch`` returns the ministry's JWK Set, without it the file alone counts.

        Raises ``ValueError`` for a file that holds no JWK Set.
        """
        self._file, self._fetch, self._monotonic = file, fetch, monotonic
        self._lock = threading.Lock()
        self._fetched_at: float | None = None
        self._keys = self._read()

    def verify(self, jws: str) -> bytes:
        """Return the payload of a receipt.

        Where its key is not there, the keys are fetched again. Raises :class:`BadReceipt`, or what ``fetch``
        raises.
        """
        try:
            return self._verify(jws)
        except BadSignature as error:
            raise BadReceipt(str(error)) from error

    def _verify(self, jws: str) -> bytes:
        try:
            return self._keys.verify(jws, RECEIPT_TYPE)
        except UnknownKey:
            if self._fetch is None:
                raise BadSignature(
                    f"it is signed with a key that is not in {self._file} (QUANTRAC_MINISTRY_KEYS)"
                ) from None
            self._renew(self._fetch)
        return self._keys.verify(jws, RECEIPT_TYPE)

    def _renew(self, fetch: Callable[[], str]) -> None:
        with self._lock:
            now = self._monotonic()
            if self._fetched_at is not None and now - self._fetched_at < _FETCH_PAUSE_SECONDS:
                return
            try:
                fetched = KeySet.from_json(fetch())
            except ValueError as error:
                raise BadReceipt(f"the ministry's keys cannot be read: {error}") from error
            self._fetched_at = now
            for key in fetched:
                if key.id not in self._keys:
                    log.info("the ministry signs with key %s", key.id)
            self._keep(self._keys | fetched)

    def _keep(self, keys: KeySet) -> None:
        """Write the file first: a receipt counts only with a key that is there years later."""
        try:
            make_private_folder(self._file.parent)
            write_private(self._file, keys.to_json())
        except OSError as error:
            raise BadReceipt(f"the ministry's keys cannot be kept in {self._file}: {error}") from error
        self._keys = keys

    def _read(self) -> KeySet:
        try:
            text = self._file.read_bytes()
        except FileNotFoundError:
            return KeySet()
        try:
            return KeySet.from_json(text)
        except ValueError as error:
            raise ValueError(f"{self._file}: {error}") from error
