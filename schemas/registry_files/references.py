"""What records say of each other: codes that stand twice, stations that nobody defines."""

from collections.abc import Iterator, Sequence
from typing import Any

from quantrac.domain.spellings import did_you_mean, fold
from schemas.messages.registry.accounts import plain_digits
from schemas.registry_files.entries import Entry, Finding

_KINDS = {"stations": "station", "accounts": "account"}


def mistakes_between(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield records that stand twice, and stations of accounts that are not among the entries."""
    first_by_name: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        # Files of stations are told apart by codes, whatever only looks different in them.
        name = fold(entry.name) if entry.key == "stations" else entry.name
        first = first_by_name.setdefault((entry.key, name), entry)
        if first is not entry:
            twice = "is defined twice" if entry.name == first.name else f"looks the same as {first.name}"
            sentence = f"the {_KINDS[entry.key]} {twice}: see {first.source.locate()}"
            yield Finding(entry.source.locate(), (entry.name,), (), sentence)
    codes = [entry.name for entry in entries if entry.key == "stations"]
    for entry in entries:
        if entry.key == "accounts":
            for number, code in enumerate(_texts(entry.value, "stations")):
                if code not in codes:
                    sentence = f"station {code!r} is not defined{did_you_mean(code, codes)}"
                    path = "stations", number
                    yield Finding(
                        entry.source.locate(path), (entry.name,), ("stations", number + 1), sentence
                    )


def remarks_between(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield aliases that are another station's code or alias too, and certificates of two accounts."""
    stations = [entry for entry in entries if entry.key == "stations"]
    owners = {fold(entry.name): entry.name for entry in stations}
    for entry in stations:
        for number, alias in enumerate(_texts(entry.value, "aliases")):
            owner = owners.setdefault(fold(alias), entry.name)
            if owner != entry.name:
                location = entry.source.locate(("aliases", number))
                sentence = f"files of {alias!r} may be meant of {owner} too"
                yield Finding(location, (entry.name,), ("aliases", number + 1), sentence)
    accounts: dict[str, str] = {}
    for entry in (entry for entry in entries if entry.key == "accounts"):
        for number, certificate in enumerate(_texts(entry.value, "certificates")):
            owner = accounts.setdefault(plain_digits(certificate), entry.name)
            if owner != entry.name:
                location = entry.source.locate(("certificates", number))
                sentence = f"it is the certificate of {owner} too: while both are valid it lets in neither"
                yield Finding(location, (entry.name,), ("certificates", number + 1), sentence)


def _texts(value: Any, key: str) -> list[str]:
    texts = value.get(key) if isinstance(value, dict) else None
    return [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
