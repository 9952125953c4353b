"""Names as options and arguments: another spelling is taken, an unknown name is refused with the nearest."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import click

from quantrac.domain.catalogue import look_up_parameter
from quantrac.domain.provinces import look_up_province
from quantrac.domain.spellings import did_you_mean, fold
from quantrac.errors import UserError


class _Name(click.ParamType):
    """A name that a function looks up; the function raises UserError for one that it does not know."""

    def __init__(self, name: str, look_up: Callable[[str], Any]) -> None:
        self.name, self._look_up = name, look_up

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._look_up(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


PARAMETER = _Name("parameter", look_up_parameter)
"""Becomes a :class:`quantrac.domain.catalogue.Parameter`."""

PARAMETER_CODE = _Name("code", lambda name: look_up_parameter(name).code)
"""Becomes the catalogue's code."""

PROVINCE_CODE = _Name("province", look_up_province)
"""Becomes the code of a province of today."""


_REGISTRY = "in the registry"


def look_up_stations(names: Iterable[str], codes: Collection[str], where: str = _REGISTRY) -> tuple[str, ...]:
    """Return the codes that were meant, each once; raises UserError as :func:`look_up_station` does."""
    return tuple(dict.fromkeys(look_up_station(name, codes, where) for name in names))


def look_up_station(code: str, codes: Collection[str], where: str = _REGISTRY) -> str:
    """Return the one of the codes that was meant; raises UserError with a likely one.

    ``where`` says in the sentence where the codes are.

    >>> look_up_station("hn_a", ["HN_A", "HN_B"])
    'HN_A'
    """
    if code in codes:
        return code
    alike = [candidate for candidate in codes if fold(candidate) == fold(code)]
    if alike:
        return alike[0]
    raise UserError(f"there is no station {code!r} {where}{did_you_mean(code, codes)}")
