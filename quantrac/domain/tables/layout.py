"""What the columns of a table hold."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from quantrac.domain.numbers import DecimalSign


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column of a wide table, or a name in a long one, stands for."""

    name: str
    """Of the parameter, as a station's file would write it."""
    unit: str = ""
    """As written; empty leaves the unit to the station's registry entry."""
    words: tuple[tuple[str, float], ...] = ()
    """Words in place of numbers, upper case, and the value of each."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """What the columns of a table hold; columns are counted from 0."""

    time: tuple[int, ...]
    """One column of written times, or those of year, month, day, hour and finer ones."""
    zone: str | None = None
    """Of times that name none; ``None`` = the station's clock."""
    wide: tuple[tuple[int, Meaning], ...] = ()
    """Columns of values, each of one parameter."""
    name: int | None = None
    """Of a long table: the column of the parameter's name ..."""
    value: int | None = None
    """... of its value ..."""
    unit: int | None = None
    """... and of its unit, where there is one."""
    names: tuple[tuple[str, Meaning], ...] = ()
    """Of a long table: names that stand for others."""
    status: int | None = None
    """Column of the device status."""
    missing: tuple[str, ...] = ()
    """Texts that stand for no value, beside the usual ones."""
    decimal_sign: DecimalSign | None = None
    """Declared of the numbers."""
    shown_sign: DecimalSign = "."
    """What the numbers of the whole table show."""

    def to_json(self) -> str:
        """Write it as one line; the same layout gives the same text."""
        fields = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; raises ``ValueError`` for anything else."""
        try:
            fields = json.loads(text)
            for name in ("wide", "names"):
                if name in fields:
                    fields[name] = tuple((key, _meaning(meaning)) for key, meaning in fields[name])
            for name in ("time", "missing"):
                fields[name] = tuple(fields.get(name, ()))
            return cls(**fields)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no layout of a table: {error}") from error


def _meaning(fields: dict[str, object]) -> Meaning:
    words = fields.get("words", ())
    return Meaning(
        str(fields["name"]),
        str(fields.get("unit", "")),
        tuple((str(word), float(value)) for word, value in words),  # type: ignore[attr-defined]
    )
