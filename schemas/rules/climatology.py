"""The rule file of one station's climatology table."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from quantrac.domain.qa.window import Floats

MARK = "# Computed by `quantrac rules climatology`, which rewrites it; other rules belong in another file."
"""First line of such a file: one without it was written by a person."""


@dataclass(frozen=True, slots=True)
class Series:
    """Limits of one parameter, each (12, 24).

    As :func:`quantrac.domain.qa.baseline.climatology_table.climate` gives them.
    """

    parameter: str
    low: Floats
    high: Floats

    @property
    def known(self) -> int:
        """How many of the 288 months and hours have limits."""
        return int(np.sum(~np.isnan(self.low)))


def climatology_file(station: str, series: Iterable[Series], source: str) -> str:
    """Return the YAML text; limits with six significant digits."""
    lines = [MARK, "", "stations:", f"  {json.dumps(station)}:", "    parameters:"]
    for each in series:
        lines += [f"      {json.dumps(each.parameter)}:", "        climatology:"]
        lines.append(f"          source: {json.dumps(source)}")
        for name, table in (("low", each.low), ("high", each.high)):
            lines.append(f"          {name}: # a month a line, its hours in UTC")
            lines += [f"            - [{', '.join(map(_cell, month))}]" for month in table.tolist()]
    return "\n".join(lines) + "\n"


def _cell(limit: float) -> str:
    return "null" if math.isnan(limit) else f"{limit:.6g}"
