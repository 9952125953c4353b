"""What the registry's records share: kinds of fields, and the span in which a record is valid."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.times import VIETNAM
from quantrac.domain.written_times import read_iso, split_end_of_day
from quantrac.errors import UserError
from schemas.messages.base import Message, Utc


def _local_midnight(value: object) -> object:
    if isinstance(value, str):
        return read_iso(value) if split_end_of_day(value)[1] else value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), VIETNAM)
    return value


def _check_utc(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value.isoformat()} lies outside the years 1 to 9999 of UTC") from None
    return value


TimeOrDate = Annotated[Utc, BeforeValidator(_local_midnight), AfterValidator(_check_utc)]
"""A time with its zone, or a date (midnight in Vietnam)."""


def catalogue_code(code: str) -> str:
    """Return a catalogue code; raises UserError, with the right spelling, for anything else."""
    parameter = find_parameter(code)
    if parameter is None or parameter.code != code:
        raise UserError(f"{code!r} is no catalogue code{f'; it is {parameter.code!r}' if parameter else ''}")
    return code


CatalogueCode = Annotated[str, AfterValidator(catalogue_code)]
"""Code of a parameter in the catalogue, such as ``PM2.5``."""

RecordId = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z-]{7,63}$")]
"""Id of a record that a command made."""

DecidedFlag = Literal["good", "suspect", "fail"]
"""A flag that a person may give."""


class Dated(Message):
    """What is valid between two times."""

    valid_from: TimeOrDate | None = Field(default=None, examples=["2026-01-01T00:00:00+07:00"])
    """First time that counts; absent = all before count too."""
    valid_to: TimeOrDate | None = Field(default=None, examples=["2027-01-01T00:00:00+07:00"])
    """First time that counts no more; absent = it still holds."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError("valid_from must lie before valid_to")
        return self


def check_order(start: datetime | None, end: datetime | None) -> None:
    """Raise ``ValueError`` for a span that does not start before it ends; ``None`` leaves a side open."""
    if start is not None and end is not None and start >= end:
        raise ValueError("the span must start before it ends")


def fields_in_utc(message: Message) -> dict[str, Any]:
    """Return a record's values by field name, times in UTC."""
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in fields_of(message).items()
    }


def fields_of(message: Message) -> dict[str, Any]:
    """Return a record's values by field name, nested records as they are."""
    return {name: getattr(message, name) for name in type(message).model_fields}
