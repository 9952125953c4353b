"""A ClickHouse that gives the rows it was given, behind the same methods as ``quantrac.io.clickhouse``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quantrac.io.clickhouse import ClickHouseAway, Result
from quantrac.io.clickhouse_native import Array

Rows = Sequence[Mapping[str, Any]]


def list_columns(columns: Mapping[str, Array]) -> dict[str, list[Any]]:
    """Return the columns of a block as lists."""
    return {name: c.tolist() if isinstance(c, np.ndarray) else list(c) for name, c in columns.items()}


class GivenRows:
    """Answers each query with the next of ``answers``, and with no rows after the last."""

    def __init__(self, *answers: Rows) -> None:
        self.away = False
        """Whether nobody answers."""
        self.asked: list[Mapping[str, Any]] = []
        """The parameters of every query."""
        self._answers = list(answers)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Note the question and give the next answer; raises ``ClickHouseAway``."""
        if self.away:
            raise ClickHouseAway("connection refused")
        self.asked.append(parameters or {})
        rows = self._answers.pop(0) if self._answers else []
        columns = tuple(rows[0]) if rows else ()
        return Result(columns, [[row[column] for column in columns] for row in rows])

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Answer as :meth:`query` does, column by column."""
        answer = self.query(sql, parameters)
        return dict(zip(answer.columns, zip(*answer.rows, strict=True), strict=True)) if answer.rows else {}

    def answers(self) -> bool:
        """Tell whether anybody answers."""
        return not self.away
