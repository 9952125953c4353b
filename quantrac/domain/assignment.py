"""Which of an account's stations a file belongs to: by its name, never by guessing."""

import re
from collections.abc import Sequence

from quantrac.domain.parsing import station_code_from_name
from quantrac.domain.stations import Station


def assign_station(name: str, stations: Sequence[Station]) -> Station | None:
    """Return the station of a file called ``name`` among those its account may send for, or ``None``.

    In this order: the code that the name states is a station's code or alias; the longest code or alias
    that stands in the name as a whole word; the only station of the account, for a name that states no code.
    A name that states another code stays unassigned, even when the account has one station only. Case does
    not matter.
    """
    stated = station_code_from_name(name).casefold()
    codes = {code.casefold(): station for station in stations for code in (*station.aliases, station.code)}
    if stated in codes:
        return codes[stated]
    contained = [code for code in codes if _stands_in(code, name.casefold())]
    if contained:
        return codes[max(contained, key=len)]
    return stations[0] if len(stations) == 1 and not stated else None


def _stands_in(code: str, name: str) -> bool:
    # Neighbouring letters and digits would make it another code: HN_A_KHI1 is not HN_A_KHI.
    return re.search(rf"(?<![^\W_]){re.escape(code)}(?![^\W_])", name) is not None
