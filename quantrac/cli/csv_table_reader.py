"""Reads a CSV of many parameters; the national system's exports as they are."""

import csv
from collections.abc import Callable
from typing import TextIO

from quantrac.cli.csv_table import Qualifiers, Table, Values
from quantrac.cli.csv_units import read_heading
from quantrac.cli.terminal import echo
from quantrac.domain.csv_rows import is_missing, read_rows
from quantrac.domain.indices.rounding import exact
from quantrac.domain.numbers import NumberError, Numbers
from quantrac.domain.spellings import fold
from quantrac.errors import UserError

_TIME_NAMES = ("time", "datetime")
"""Headings of the column of times; the exports of the national system have the second."""


def read_table(
    file: TextIO, parameter_of: Callable[[str], str | None], *, subject: str, takes_qualified: bool = False
) -> Table:
    """Read a CSV with a header: a column of times and any others in any order.

    ``parameter_of`` says which parameter of ``subject`` ("the index") a name means; columns of none are told
    and stay empty. A value
    beyond a limit of its method is read only where ``takes_qualified``. A cell or row that cannot be read
    is a complaint of the table. Raises UserError where there is no header, or none with a parameter.
    """
    try:
        rows = [(line, cells) for line, cells in read_rows(file)]
        header = rows.pop(0)[1] if rows else []
        indices = [index for index, name in enumerate(header) if fold(name) in _TIME_NAMES]
        if len(indices) != 1:
            raise UserError(
                f"line 1: the header needs one column 'time', not {', '.join(map(repr, header)) or 'nothing'}"
            )
        columns = [name for index, name in enumerate(header) if index != indices[0]]
        table = Table([read_heading(name, parameter_of) for name in columns], [], [], [], [])
        _check_columns(table, subject)
        numbers = Numbers(lambda: (cell for _, cells in rows for cell in cells))
        for line, cells in rows:
            _append(table, numbers, line, cells, indices[0], takes_qualified=takes_qualified)
    except csv.Error as error:
        raise UserError(f"the file is no CSV: {error}") from error
    return table


def _check_columns(table: Table, subject: str) -> None:
    parameters = [parameter for parameter in table.parameters if parameter]
    twice = [
        name for name, p in zip(table.columns, table.parameters, strict=True) if p and parameters.count(p) > 1
    ]
    if twice:
        raise UserError(f"line 1: {' and '.join(map(repr, twice))} are the same parameter; keep one of them")
    if not parameters:
        raise UserError(f"line 1: no column is a parameter of {subject}; the help of the command names them")
    for name, parameter in zip(table.columns, table.parameters, strict=True):
        if parameter is None:
            echo(f"line 1: column {name!r} is no parameter of {subject} and stays empty", err=True)


def _append(
    table: Table, numbers: Numbers, line: int, cells: list[str], index: int, *, takes_qualified: bool
) -> None:
    values: Values = {}
    qualifiers: Qualifiers = {}
    time = cells[index] if index < len(cells) else ""
    if len(cells) > len(table.columns) + 1:
        table.complain(
            line, f"{len(cells)} cells, the header has {len(table.columns) + 1}; the row stays empty"
        )
    else:
        row = cells[:index] + cells[index + 1 :]
        for name, parameter, cell in zip(table.columns, table.parameters, row, strict=False):
            if parameter and not is_missing(cell):
                try:
                    number, qualifier = numbers.read_qualified(cell)
                except NumberError as error:
                    table.complain(line, f"column {name!r}: {error}")
                    continue
                if qualifier and not takes_qualified:
                    table.complain(line, f"column {name!r}: {cell!r} is a limit of the method, and no mean")
                    continue
                if (value := exact(number)) is not None:
                    values[parameter] = value
                    if qualifier:
                        qualifiers[parameter] = qualifier
    table.lines.append(line)
    table.times.append(time)
    table.values.append(values)
    table.qualifiers.append(qualifiers)
