"""What other files have of a station's parameters, earlier in the batch or before it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from quantrac.domain.qa.live.memory import Memory, remember_time


class OtherFiles:
    """Answers for which times a parameter came, or may have come, in a file before.

    To be asked before the memory takes the batch in.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._files: dict[str, list[tuple[Sequence[str], Sequence[float], float]]] = {}
        """By station: parameters, times and time of receipt of the batch's files so far."""
        self._times: dict[tuple[str, str], tuple[list[float], int]] = {}
        """By station and parameter: times remembered, and how many of the station's files they include."""

    def add(self, station: str, parameters: Sequence[str], times: Sequence[float], received: float) -> None:
        """Add a file: its parameters and their times, and when it was received, seconds since 1970 UTC."""
        self._files.setdefault(station, []).append((parameters, times, received))

    def has_any(self, station: str, parameters: AbstractSet[str], time: float) -> bool:
        """Tell whether one of the parameters came, or may have come, for a time.

        It may have if the time is older than all that are remembered of the parameter.
        """
        series, files = self._memory.series(station), self._files.get(station, [])
        for parameter in parameters & series.keys():
            remembered = self._times.get((station, parameter))
            times, count = remembered or (self._memory.times(series[parameter]), 0)
            for file_parameters, file_times, received in files[count:]:
                for file_parameter, file_time in zip(file_parameters, file_times, strict=True):
                    if file_parameter == parameter:
                        remember_time(times, file_time, received)
            self._times[station, parameter] = times, len(files)
            if times and (time in times or time < times[0]):
                return True
        return False
