"""The quality tests on real series: what people labelled, and a year of known faults."""

import sys

import numpy as np
import pytest

from support.folders import ROOT

DATA = ROOT.parent / "shared" / "data"
BAD = (3, 4)


@pytest.fixture(scope="module", autouse=True)
def benchmark_modules():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks" / "qa"))
        yield
        for name in ("series", "scoring", "ours", "faults"):
            sys.modules.pop(name, None)


@pytest.mark.skipif(not (DATA / "lro_river_qc").is_dir(), reason="the folder of labelled series is not here")
def test_most_of_what_technicians_corrected_is_found_without_crying_wolf():
    import ours
    from scoring import Score, events
    from series import labelled_series

    total = Score()
    for each in labelled_series(DATA):
        flags = ours.flag_series(
            each.times, each.values, each.parameter, each.medium, each.interval_seconds, None
        )
        total += events(each.labelled, np.isin(flags, BAD), each.excluded)

    assert total.f1 >= 0.74
    assert total.precision >= 0.75


@pytest.mark.skipif(not (DATA / "hanoi_cem_2025").is_dir(), reason="the folder of the Hanoi year is not here")
def test_the_known_faults_of_a_year_are_flagged_and_hardly_any_plausible_hour_is():
    import faults
    import ours

    times, values = faults.station(DATA)
    broken, known = faults.with_faults(values)
    flags = ours.flag_station(times, broken, faults.MEDIUM, faults.INTERVAL, None)
    missed = {
        fault.name: int(np.sum(~faults.found(fault, np.isin(flags[fault.parameter], BAD)))) for fault in known
    }
    # A silence of over 3 hours begins a flat line anew: so many hours later it is one again.
    assert {name: count for name, count in missed.items() if count} == {
        "CO equal for 1,783 h (set in)": 6,
        "NO = 0 for 1,530 h": 12,
        "NO2 = 0 for 1,530 h": 6,
        "NOx = 0 for 1,530 h": 6,
    }

    flags = ours.flag_station(times, values, faults.MEDIUM, faults.INTERVAL, None)
    plausible = {name: faults.plausible(values, name) for name in values}
    flagged = {name: np.isin(flags[name][plausible[name]], BAD) for name in values}
    for name in values:
        assert np.mean(flagged[name]) <= 0.01, name
    assert np.mean(np.concatenate(list(flagged.values()))) <= 0.003
