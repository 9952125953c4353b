"""What came of deliveries: what the ministry has, what receipts prove, what was sent again."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from quantrac.cli.receipt_check import verify_receipt
from quantrac.domain.readings import FlaggedSet
from quantrac.errors import UserError
from quantrac.io.content_encoding import decompress
from quantrac.io.jws import KeySet
from quantrac.io.records import Record
from schemas.codecs.set_heads import SetHead, decode_set_head
from schemas.messages.deliveries import DeliveryReceipt, DocumentedSet, ReceiptDocument, read_delivery_receipt

Key = tuple[str, str, int]
"""Station, file and revision: by these the tables know the rows of a set, so that a copy of it adds none."""

_LONGEST_BODY = 64 << 20


def key_of(flagged: FlaggedSet | SetHead) -> Key:
    return flagged.station, flagged.file_id, flagged.revision


def hash_content(value: bytes) -> bytes:
    return sha256(value).digest()


@dataclass
class Outcome:
    """The figures of a run."""

    sets: int
    seconds: float = 0.0
    missing: int = 0
    """Sets that the ministry has not."""
    superfluous: int = 0
    """Sets that it has and nobody wrote: they would be rows too many."""
    altered: int = 0
    """Sets of which it has a copy with another content."""
    copies: int = 0
    """Messages of its qa-flagged; more than sets where deliveries came again."""
    unproven: int = 0
    """Sets that no good receipt names."""
    receipts: int = 0
    """Messages of the province's delivery-receipt."""
    bad_receipts: list[str] = field(default_factory=list)
    """Why each of them is not good."""
    dead_letters: int = 0
    late_sets: int = 0
    """Sets that were left to the backlog lane."""
    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    """How often a role ended by itself: its broker was away at its start, or took it for another member."""
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    sent_bytes: int = 0
    """Of the bodies of all deliveries as they left the province, compressed."""
    repeated_bytes: int = 0
    """The part of them that is sets which had left it before."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, nothing double and everything proven."""
        counts = (self.missing, self.superfluous, self.altered, self.unproven, self.dead_letters)
        return not any(counts) and not self.bad_receipts

    def __str__(self) -> str:
        faults = sum(self.faults.values()) / max(self.requests, 1)
        repeated = self.repeated_bytes / max(self.sent_bytes, 1)
        return "\n".join(
            [
                f"{self.sets:,} sets in {self.seconds:.0f} s, {self.late_sets:,} of them left to the backlog",
                f"kill -9: {_join(self.kills)}; ended by themselves: {_join(self.ends)}",
                f"{self.requests:,} requests, {faults:.1%} of them disturbed: {_join(self.faults)}",
                f"at the ministry {self.missing} missing, {self.superfluous} double, {self.altered} altered,"
                f" by station, file and revision; {self.dead_letters} dead letters",
                f"{self.copies:,} messages of its qa-flagged: {self.copies - self.sets:,} sets came again",
                f"{self.receipts:,} receipts, {len(self.bad_receipts)} bad; {self.unproven} sets without one",
                f"{self.sent_bytes / 1e6:,.1f} MB of deliveries sent, {repeated:.1%} of them again",
            ]
        )


class Arrivals:
    """The sets that the ministry has, as they come."""

    def __init__(self) -> None:
        self._contents: dict[Key, set[bytes]] = {}
        self._messages: set[tuple[int, int]] = set()

    def add(self, record: Record) -> None:
        """Note a message of its qa-flagged; one that is read again counts once."""
        value = record.value or b""
        self._messages.add((record.partition, record.offset))
        self._contents.setdefault(key_of(decode_set_head(value)), set()).add(hash_content(value))

    def __len__(self) -> int:
        return len(self._contents)

    def compare(self, written: Mapping[Key, bytes], outcome: Outcome) -> None:
        """Note how this differs from the contents that were written."""
        outcome.missing = len(written.keys() - self._contents)
        outcome.superfluous = len(self._contents.keys() - written)
        outcome.altered = sum(
            contents != {written[key]} for key, contents in self._contents.items() if key in written
        )
        outcome.copies = len(self._messages)


class Confirmations:
    """The receipts that the province has, as they come."""

    def __init__(self) -> None:
        self._messages: dict[tuple[int, int], DeliveryReceipt] = {}
        self._keys: set[Key] = set()

    def add(self, record: Record) -> None:
        """Note a message of its delivery-receipt."""
        message = read_delivery_receipt(record.value or b"")
        self._messages[record.partition, record.offset] = message
        self._keys |= _keys_of(message)

    def __len__(self) -> int:
        return len(self._keys)

    def verify(self, written: Iterable[Key], keys: KeySet, outcome: Outcome) -> None:
        """Check every receipt as ``quantrac receipts verify`` does, and note which sets they prove."""
        proven: set[Key] = set()
        for message in self._messages.values():
            try:
                _verify(message, keys)
            except UserError as error:
                outcome.bad_receipts.append(f"{message.delivery_id}: {error}")
            else:
                proven |= _keys_of(message)
        outcome.receipts = len(self._messages)
        outcome.unproven = len(set(written) - proven)


class SentBodies:
    """Bytes of deliveries as they leave the province; for several threads."""

    def __init__(self) -> None:
        self._lines: set[bytes] = set()
        self._lock = threading.Lock()
        self._bytes = 0
        self._repeated = 0.0

    def add(self, path: str, body: bytes) -> None:
        """Note a request."""
        if path != "/v1/deliveries":
            return
        lines = {hash_content(line) for line in decompress(body, "zstd", _LONGEST_BODY).split(b"\n")}
        with self._lock:
            self._bytes += len(body)
            self._repeated += len(body) * len(lines & self._lines) / len(lines)
            self._lines |= lines

    def sum_up(self, outcome: Outcome) -> None:
        """Note the sums; of a body whose sets had been sent in part, that part counts."""
        outcome.sent_bytes, outcome.repeated_bytes = self._bytes, round(self._repeated)


def _keys_of(message: DeliveryReceipt) -> set[Key]:
    return {(file.station, file.file_id, file.revision) for file in message.files}


def _verify(message: DeliveryReceipt, keys: KeySet) -> None:
    """Raise ``UserError`` where a receipt is not good, or is another delivery's."""
    files = [
        DocumentedSet(
            line=file.line,
            station=file.station,
            file_id=file.file_id,
            revision=file.revision,
            readings=file.readings,
        )
        for file in message.files
    ]
    document = ReceiptDocument(receipt=message.receipt, files=files, keys=keys.to_dict())
    payload = verify_receipt(document.model_dump_json().encode(), keys).payload
    if payload.delivery_id != message.delivery_id:
        raise UserError(f"it is for delivery {payload.delivery_id}")


def _join(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) or "none"
