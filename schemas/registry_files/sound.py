"""What is left of an entry without its mistakes, so that the rest of it can be judged in the same run."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from quantrac.domain.problems import Problem
from quantrac.domain.registry.stations import StationType
from quantrac.domain.spellings import LIKELY, nearest
from schemas.messages.registry.stations import Station
from schemas.registry_files.entries import Path, count_from_one, count_from_zero
from schemas.validation_errors import list_mistakes

STAND_INS: Mapping[str, Any] = {
    "code": "?",
    "name": "?",
    "province": "01",
    "latitude": 0.0,
    "longitude": 0.0,
}
"""For the required keys of a station without which the others can still be judged; for its type, the likely
one."""

_TRIES = 5


class SoundPart:
    """The part of a station's entry in which its model finds nothing wrong."""

    def __init__(self, value: Any, mistakes: Collection[Path]) -> None:
        """``mistakes``: where something is wrong in ``value``."""
        self._bad = {path for path in mistakes if path}
        self._origins: dict[Path, list[int]] = {}
        self.station = self._read(value) if isinstance(value, dict) else None
        """``None`` where nothing is left that can be judged."""

    def in_whole(self, problem: Problem) -> Problem | None:
        """Return the station's problem for the whole entry; ``None`` where it may come of what is left out.

        That is so of a stand-in, and of what is said of a record while a part of it is wrong.
        """
        paths = [self._original(count_from_zero(path)) for path in (problem.path, problem.counterpart)]
        if any(bad[: len(path)] == path for bad in self._bad for path in paths if path):
            return None
        return problem.relocate(*map(count_from_one, paths))

    def _original(self, path: Path) -> Path:
        """Return the path in the whole entry of a path here."""
        origin: list[str | int] = []
        for length, part in enumerate(path):
            indexes = self._origins.get(path[:length], [])
            origin.append(indexes[part] if isinstance(part, int) and part < len(indexes) else part)
        return tuple(origin)

    def _read(self, value: dict[str, Any]) -> Station | None:
        self._bad |= {(key,) for key in STAND_INS if key not in value}
        likely_types = nearest(value.get("type"), list(StationType), count=1, least=LIKELY)
        stand_ins = dict(STAND_INS) | ({"type": likely_types[0]} if likely_types else {})
        for _ in range(_TRIES):
            self._origins = {}
            rest = self._prune(value, (), ())
            try:
                return Station.model_validate({**stand_ins, **rest})
            except ValidationError as error:
                for mistake in list_mistakes(error, Station):
                    # Of what lacks a key nothing is left.
                    path = mistake.path[:-1] if mistake.kind == "missing" else mistake.path
                    origin = self._original(path)
                    if not origin:  # the station as a whole
                        return None
                    self._bad.add(origin)
        return None

    def _prune(self, value: Any, origin: Path, path: Path) -> Any:
        if isinstance(value, dict):
            return {
                key: self._prune(child, (*origin, key), (*path, key))
                for key, child in value.items()
                if (*origin, key) not in self._bad
            }
        if isinstance(value, list):
            indexes = [index for index in range(len(value)) if (*origin, index) not in self._bad]
            self._origins[path] = indexes
            return [
                self._prune(value[index], (*origin, index), (*path, number))
                for number, index in enumerate(indexes)
            ]
        return value
