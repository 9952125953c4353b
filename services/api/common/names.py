"""Names in a query string: another spelling of a known name is that name, an unknown one is refused.

The refusal names the nearest, so that a typing error never looks like "no data".
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field

from quantrac.domain.catalogue import find_parameter, look_up_parameter
from quantrac.domain.provinces import look_up_province
from quantrac.domain.registry.stations import Station
from quantrac.domain.rejects import look_up_reason
from quantrac.domain.spellings import fold
from quantrac.errors import UserError
from services.api.common.problems import BadParameter

ParameterName = Annotated[str, Field(min_length=1, examples=["PM2.5"])]
"""A parameter as the caller writes it; :func:`resolve_parameter` gives its code."""

ProvinceName = Annotated[str, BeforeValidator(look_up_province), Field(examples=["01"])]
"""Two-digit code of a province of today, given by it or by its name."""

RejectReason = Annotated[str, BeforeValidator(look_up_reason), Field(examples=["value-not-a-number"])]
"""Stable code of the reason of a reject."""


def resolve_parameter(name: str | None, stations: Iterable[Station]) -> str | None:
    """Return the code that readings of ``stations`` bear for a parameter, or ``None`` where none is named.

    A code of the catalogue or of one of the stations, withdrawn ones too, stands for itself. Another spelling
    stands for the station's code that means the same, else for the catalogue's. Raises
    :class:`BadParameter` for a name that neither knows.
    """
    if name is None:
        return None
    parameter = find_parameter(name)
    if parameter is not None and parameter.code == name:
        return name
    stations = list(stations)
    codes = {entry.code for station in stations for entry in station.parameters}
    withdrawn = {
        code for station in stations for decision in station.withdrawn for code in decision.parameters
    }
    if name in codes | withdrawn:
        return name
    try:
        parameter = look_up_parameter(name)
    except UserError as error:
        if code := next((code for code in codes if fold(code) == fold(name)), None):
            return code
        raise BadParameter(("parameter", str(error))) from error
    if parameter.code in codes:
        return parameter.code
    return next((code for code in codes if find_parameter(code) is parameter), parameter.code)
