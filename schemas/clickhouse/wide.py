"""One view a station type with a column for every usual parameter, made from the catalogue.

The text stands in a migration like every other; a test compares the two. A parameter that joins the catalogue
gets its column by a further migration.
"""

import re

from quantrac.domain.catalogue import CATALOGUE, Combined, Parameter
from quantrac.domain.registry.stations import StationType

# A column may not be called by a word of SQL; one that lost its sign would say another substance.
_RESERVED = {"as"}


def column_name(parameter: Parameter) -> str:
    """Return a name that needs no quotes: the code, or the English name where that would mislead.

    >>> from quantrac.domain.catalogue import find_parameter
    >>> [column_name(find_parameter(code)) for code in ("PM2.5", "m,p-Xylene", "Cl-", "As")]
    ['pm2_5', 'm_p_xylene', 'chloride', 'arsenic']
    """
    plain = _fold(parameter.code)
    misleading = parameter.code[-1] in "+-" or plain in _RESERVED
    return _fold(parameter.name) if misleading else plain


def view_name(medium: StationType) -> str:
    """Return the name of a station type's view.

    >>> view_name(StationType.AMBIENT_AIR)
    'ambient_air_hourly'
    """
    return f"{medium.value.replace('-', '_')}_hourly"


def wide_view(medium: StationType) -> str:
    """Return the statement that makes the view of a station type."""
    parameters = [parameter for parameter in CATALOGUE if medium in parameter.units]
    columns = ",\n".join(
        f"    {column_name(parameter)} Nullable(Float64) COMMENT '{_comment(parameter, medium)}'"
        for parameter in parameters
    )
    values = ",\n".join(
        f"    maxIf({_figure(column)}, parameter = '{column.code}' AND unit = '{column.units[medium]}')"
        f" AS {column_name(column)}"
        for column in parameters
    )
    return f"""\
CREATE OR REPLACE VIEW {view_name(medium)}
(
    station LowCardinality(String) COMMENT 'Station code',
    starts_at DateTime('UTC') COMMENT 'Start of the hour, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
{columns}
)
AS SELECT
    station,
    starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
{values}
FROM averages FINAL
WHERE period = 'hour' AND complete = 1
    AND station GLOBAL IN (SELECT code FROM stations FINAL WHERE type = '{medium.value}')
GROUP BY station, starts_at
COMMENT 'Hours of {medium.value} stations, a column a parameter; NULL = no complete hour in that unit'"""  # noqa: S608


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _figure(parameter: Parameter) -> str:
    return "total" if parameter.combined is Combined.TOTAL else "mean"


def _comment(parameter: Parameter, medium: StationType) -> str:
    unit = parameter.units[medium]
    how = {Combined.MEAN: "mean", Combined.TOTAL: "sum", Combined.ANGLE: "mean direction"}
    return f"{parameter.name}{f', {unit}' if unit else ''}: {how[parameter.combined]} of the hour"
